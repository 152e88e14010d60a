"""The recovery key as people see and type it: apps/vault/store/recovery_key.py."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.vault.store.errors import RecoveryKeyInvalid
from apps.vault.store.recovery_key import RecoveryKey, plain

KEY = RecoveryKey(bytes(range(20)))
PINNED = "EVK1-000G-40R4-0M30-E209-185G-R38E-1W81-24GK-W3YY"


def test_the_text_is_the_documented_one() -> None:
    """Pins alphabet, check and derivation: a change here makes printed keys useless."""
    assert KEY.text == PINNED
    assert KEY.key_id == "recovery-7e62cce1604bef16"


@given(st.binary(min_size=20, max_size=20))
def test_what_is_shown_reads_back(secret: bytes) -> None:
    assert RecoveryKey.parse(RecoveryKey(secret).text) == RecoveryKey(secret)


@pytest.mark.parametrize("way", [str.lower, lambda t: t.replace("-", " "), lambda t: t.replace("-", ""),
    lambda t: f"  {t}\n", lambda t: t[5:], lambda t: t.replace("0", "O"), lambda t: t.replace("1", "l"),
    lambda t: t.replace("-", "\u2013")])  # fmt: skip
def test_case_spaces_dashes_and_likely_slips_do_not_matter(way: object) -> None:
    assert RecoveryKey.parse(way(KEY.text)) == KEY  # type: ignore[operator]


def test_each_mistyped_sign_and_each_swap_is_noticed() -> None:
    signs = plain(KEY.text)[4:]
    for position in range(len(signs)):
        other = "Z" if signs[position] != "Z" else "Y"
        with pytest.raises(RecoveryKeyInvalid):
            RecoveryKey.parse(signs[:position] + other + signs[position + 1 :])
        if position and signs[position] != signs[position - 1]:
            swapped = signs[: position - 1] + signs[position] + signs[position - 1] + signs[position + 1 :]
            with pytest.raises(RecoveryKeyInvalid):
                RecoveryKey.parse(swapped)


@pytest.mark.parametrize("text", ["", "EVK1", PINNED[:-1], PINNED + "0", "U" * 36, "Ä" * 36, "EVK1" * 12])
def test_what_is_no_recovery_key_is_refused_in_words(text: str) -> None:
    with pytest.raises(RecoveryKeyInvalid, match="recovery key"):
        RecoveryKey.parse(text)


def test_two_keys_differ_and_never_show() -> None:
    one, two = RecoveryKey.generate(), RecoveryKey.generate()
    assert one != two and one.key_id != two.key_id
    assert repr(one) == "RecoveryKey()"


def test_the_name_of_the_envelope_gives_nothing_away() -> None:
    secret = random.Random(1).randbytes(20)
    key = RecoveryKey(secret)
    assert key.key_id.removeprefix("recovery-") not in secret.hex()
    assert len(key.key_id) == len("recovery-") + 16
