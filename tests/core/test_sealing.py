"""Small secrets at rest: apps/core/sealing.py."""

import base64
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.core.sealing import (
    Keyring,
    MasterKeyMissing,
    SealBroken,
    key_id_of,
    master_key_entries,
    new_master_key,
)

OLD, NEW = b"o" * 32, b"n" * 32
PINNED = (
    "01036f6c64000102030405060708090a0b0c0d0e0f10111213141516171"
    "8191a1b1c1d1e1f5553b9fafe34fc43b4fd73497b8cc61858d4d2c46d52"
)


@pytest.fixture
def ring() -> Keyring:
    return Keyring({"old": OLD})


def sealed_by(ring: Keyring, plaintext: bytes = b"secret") -> bytes:
    return ring.seal(account_id=7, purpose="client_secret", plaintext=plaintext)


def test_a_sealed_secret_opens_for_its_account_and_purpose(ring: Keyring) -> None:
    assert ring.unseal(account_id=7, purpose="client_secret", sealed=sealed_by(ring)) == b"secret"


@pytest.mark.parametrize("account_id, purpose", [(8, "client_secret"), (7, "certificate")])
def test_another_account_or_purpose_is_refused(ring: Keyring, account_id: int, purpose: str) -> None:
    with pytest.raises(SealBroken):
        ring.unseal(account_id=account_id, purpose=purpose, sealed=sealed_by(ring))


def test_each_flipped_byte_is_refused(ring: Keyring) -> None:
    sealed = sealed_by(ring)
    for position in range(len(sealed)):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises((SealBroken, MasterKeyMissing)):
            ring.unseal(account_id=7, purpose="client_secret", sealed=bytes(broken))


def test_each_cut_is_refused(ring: Keyring) -> None:
    sealed = sealed_by(ring)
    for length in range(len(sealed)):
        with pytest.raises((SealBroken, MasterKeyMissing)):
            ring.unseal(account_id=7, purpose="client_secret", sealed=sealed[:length])


def test_two_seals_of_one_secret_differ(ring: Keyring) -> None:
    assert sealed_by(ring) != sealed_by(ring)


def test_after_rotation_old_secrets_open_and_reseal_under_the_new_key(ring: Keyring) -> None:
    both = Keyring({"new": NEW, "old": OLD})
    moved = both.reseal(account_id=7, purpose="client_secret", sealed=sealed_by(ring))
    assert key_id_of(moved) == "new"
    assert both.reseal(account_id=7, purpose="client_secret", sealed=moved) is moved
    assert Keyring({"new": NEW}).unseal(account_id=7, purpose="client_secret", sealed=moved) == b"secret"


def test_a_missing_master_key_is_named(ring: Keyring) -> None:
    with pytest.raises(MasterKeyMissing, match=r"'old'.*EVERKEEP_MASTER_KEYS"):
        Keyring({"new": NEW}).unseal(account_id=7, purpose="client_secret", sealed=sealed_by(ring))


def test_a_wrong_key_under_the_right_name_is_refused(ring: Keyring) -> None:
    with pytest.raises(SealBroken):
        Keyring({"old": NEW}).unseal(account_id=7, purpose="client_secret", sealed=sealed_by(ring))


def test_the_sealed_bytes_are_the_documented_ones() -> None:
    """Pins key derivation, header and bound data: a change here makes old secrets unreadable."""
    sealed = Keyring({"old": OLD})._seal(7, "client_secret", b"secret", bytes(range(32)))
    assert sealed.hex() == PINNED


def test_a_new_master_key_is_an_entry_of_the_setting() -> None:
    entry = new_master_key()
    ring = Keyring.parse([entry])
    assert ring.sealing_id == entry.partition(":")[0]
    sealed = ring.seal(account_id=1, purpose="p", plaintext=b"")
    assert ring.unseal(account_id=1, purpose="p", sealed=sealed) == b""


@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["nothing"],
        ["short:" + base64.b64encode(b"x" * 16).decode()],
        ["bad id:" + base64.b64encode(OLD).decode()],
        ["a:" + base64.b64encode(OLD).decode(), "a:" + base64.b64encode(NEW).decode()],
        ["recovery-1:" + base64.b64encode(OLD).decode()],
        ["kms-1:" + base64.b64encode(OLD).decode()],
    ],
)
def test_unusable_master_keys_stop_the_start_without_showing_them(entries: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        Keyring.parse(entries)
    encoded = [entry.partition(":")[2] for entry in entries]
    assert not any(key in str(caught.value) for key in encoded if key)


def test_master_keys_come_from_a_file_newest_first(tmp_path: Path) -> None:
    new, old = new_master_key(), new_master_key()
    file = tmp_path / "keys"
    file.write_text(f"# rotated in November\n{new}\n\n  {old}   # until all is moved\n")
    assert master_key_entries([], str(file)) == [new, old]
    assert master_key_entries([new], "") == [new]


def test_an_unusable_file_of_master_keys_stops_the_start_without_showing_it(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("# nothing\n")
    binary.write_bytes(b"secret\xff")
    for given, file in (([], tmp_path / "gone"), ([], empty), ([], binary), (["a:b"], empty)):
        with pytest.raises(ImproperlyConfigured) as caught:
            master_key_entries(given, str(file))
        assert "secret" not in str(caught.value)
