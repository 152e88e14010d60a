"""Each type of object, each kind of damage: it is noticed, and nothing of it is handed out.

What the repair makes of it: tests/backups/test_self_healing.py. Damage inside packs, by blob: test_damage.py.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.core.scope import account_scope
from apps.core.sealing import MasterKeyMissing, keyring
from apps.vault.api import Role, open_journals, open_writer
from apps.vault.errors import JournalCorrupt, KeysCorrupt, PackCorrupt, StoreMismatch, VaultError
from apps.vault.models import VaultKey
from apps.vault.selectors import orphans
from apps.vault.services import open_vault
from apps.vault.store.errors import ObjectMissing
from apps.vault.store.inspect import read_pack_index
from apps.vault.store.journal import Chain, JournalName, JournalWriter, list_journals, open_journal
from apps.vault.store.journal_lines import EndLine
from apps.vault.store.keys import envelope_key, unwrap_keys
from apps.vault.store.pack import pack_key
from tests.cast import Cast
from tests.vault.gc_world import noise

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
CHAIN = Chain(uuid.UUID(int=5), "mail")
TYPES = ("pack", "envelope", "marker", "journal head", "journal segment")


@dataclass
class Objects:
    """An account's objects, where they lie; `read` reads the first of a type and raises what is wrong."""

    account_id: int
    root: Path
    folder: Path
    packs: list[bytes]
    journals: list[JournalName]

    def path(self, kind: str, number: int = 0) -> Path:
        match kind:
            case "pack":
                return self.folder / pack_key(self.packs[number])
            case "envelope":
                return self.folder / envelope_key(keyring().sealing_id)
            case "marker":
                return self.root / "everkeep-store.json"
            case "journal head":
                return self.folder / self.journals[number].key()
        return self.folder / self.journals[number].key(1)

    def read(self, kind: str) -> None:
        match kind:
            case "pack":
                vault = open_vault(account_id=self.account_id)
                read_pack_index(vault.store, vault.keys, self.packs[0])
            case "envelope":
                with account_scope(self.account_id):
                    row = VaultKey.objects.get()
                sealed = self.path(kind).read_bytes() if self.path(kind).exists() else b""
                unwrap_keys(sealed, ring=keyring(), vault_id=row.public_id, account_id=self.account_id)
            case "marker":
                open_vault(account_id=self.account_id).store.size("x")
            case _:
                vault = open_vault(account_id=self.account_id)
                journal = open_journal(vault.store, vault.keys, self.journals[0])
                assert len(list(journal.lines(vault.store, vault.keys))) == 30


NOTICED = {
    "pack": (PackCorrupt, ObjectMissing),
    "envelope": (KeysCorrupt,),
    "marker": (StoreMismatch,),
    "journal head": (JournalCorrupt, ObjectMissing),
    "journal segment": (JournalCorrupt,),
}


def make(account_id: int, root: Path) -> Objects:
    with open_writer(account_id) as writer:
        writer.put_many([(Role.FILE, noise(number)) for number in range(5)])
        writer.flush()
        writer.put_many([(Role.FILE, noise(number)) for number in range(10, 15)])
    vault = open_vault(account_id=account_id)
    journals = []
    for number in (1, 2):
        journal = JournalWriter(vault.keys, vault.store, CHAIN, number, segment_bytes=200)
        for line in range(30):
            journal.add(EndLine(f"item {line}"))
        journals.append(journal.finish({"snapshot": number}).name)
    with account_scope(account_id):
        folder = root / VaultKey.objects.get().public_id.hex
    packs = [bytes.fromhex(path.name) for path in sorted(folder.glob("packs/*/*"))]
    return Objects(account_id, root, folder, packs, journals)


@pytest.fixture
def ours(cast: Cast, vault_folder: Path) -> Objects:
    return make(cast.account.pk, vault_folder)


@pytest.fixture
def theirs(cast: Cast, vault_folder: Path) -> Objects:
    return make(cast.other_account.pk, vault_folder)


def flip_first(path: Path) -> None:
    _flip(path, 0)


def flip_last(path: Path) -> None:
    _flip(path, -1)


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def lose(path: Path) -> None:
    path.unlink()


DAMAGES = (flip_first, flip_last, cut, cut_in_half, empty, lengthen, lose)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("kind", TYPES)
def test_damage_is_noticed(ours: Objects, kind: str, damage: Callable[[Path], None]) -> None:
    ours.read(kind)
    damage(ours.path(kind))
    with pytest.raises(NOTICED[kind]) as caught:
        ours.read(kind)
    assert isinstance(caught.value, VaultError)


@pytest.mark.parametrize("kind", ["envelope", "journal head", "journal segment"])
def test_any_flipped_byte_is_noticed(ours: Objects, kind: str) -> None:
    """Small objects: byte by byte. Packs: tests/vault/test_pack_format.py and test_damage.py."""
    path = ours.path(kind)
    good = path.read_bytes()
    for at in range(len(good)):
        _flip(path, at)
        with pytest.raises((*NOTICED[kind], MasterKeyMissing)):
            ours.read(kind)
        path.write_bytes(good)
    ours.read(kind)


@pytest.mark.parametrize("kind", ["pack", "journal head", "journal segment"])
def test_swapped_objects_are_refused(ours: Objects, kind: str) -> None:
    one, two = ours.path(kind), ours.path(kind, 1)
    first, second = one.read_bytes(), two.read_bytes()
    assert first != second
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(NOTICED[kind]):
        ours.read(kind)


@pytest.mark.parametrize("kind", ["pack", "envelope", "journal head", "journal segment"])
def test_another_accounts_object_is_refused(ours: Objects, theirs: Objects, kind: str) -> None:
    ours.path(kind).write_bytes(theirs.path(kind).read_bytes())
    with pytest.raises(NOTICED[kind]):
        ours.read(kind)


def test_another_accounts_pack_and_journal_under_their_own_names_are_refused(
    ours: Objects, theirs: Objects
) -> None:
    """Offered as additions: only their place in our folder says that they are ours."""
    stray = ours.folder / pack_key(theirs.packs[0])
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(theirs.path("pack").read_bytes())
    vault = open_vault(account_id=ours.account_id)
    with pytest.raises(PackCorrupt, match="authenticate"):
        read_pack_index(vault.store, vault.keys, theirs.packs[0])
    assert orphans(ours.account_id) == [theirs.packs[0]]
    name = theirs.journals[0]
    (ours.folder / name.key()).write_bytes(theirs.path("journal head").read_bytes())
    with pytest.raises(JournalCorrupt, match="authenticate"):
        open_journals(ours.account_id).open(name)


def test_duplicates_under_other_names_are_never_used(ours: Objects) -> None:
    copy = bytes(16)
    path = ours.folder / pack_key(copy)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ours.path("pack").read_bytes())
    vault = open_vault(account_id=ours.account_id)
    with pytest.raises(PackCorrupt, match="another one"):
        read_pack_index(vault.store, vault.keys, copy)
    assert orphans(ours.account_id) == [copy]
    name = JournalName(CHAIN, 3, ours.journals[0].journal_id)
    (ours.folder / name.key()).write_bytes(ours.path("journal head").read_bytes())
    assert name in {found for found, _, _ in list_journals(vault.store)}
    with pytest.raises(JournalCorrupt, match="authenticate"):
        open_journal(vault.store, vault.keys, name)
