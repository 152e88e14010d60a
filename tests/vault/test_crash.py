"""Killed at any step of a write: what was flushed stays readable, and the rerun completes.

Each scenario first runs undisturbed to count its steps, then once for each step
(docs/vault-ordering.md).
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from apps.core.scope import account_scope
from apps.vault.api import ContentPart, Role, open_reader, orphans
from apps.vault.errors import StoreError
from apps.vault.models import BlobLocation, Installation, Pack, Shelf, Store, VaultKey
from apps.vault.services import open_vault
from apps.vault.store.backends.base import ObjectStore
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.pack import SealedPack
from apps.vault.store.writer import VaultWriter
from tests.cast import Cast
from tests.faults.store import Fault, FaultyStore, Killed, Kind, faulty

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

PACK_BYTES = 8_000
Flushed = list[tuple[bytes, ContentPart]]


def batches() -> list[list[bytes]]:
    """Three batches: small mails, repeats among them, and one that is cut into chunks."""
    rng = random.Random(7)
    mails = [rng.randbytes(rng.randint(1, 9_000)) for _ in range(12)]
    return [mails[:6], [*mails[4:9], rng.randbytes(150_000)], [*mails[9:], mails[0]]]


def run_backup(account_id: int, store: ObjectStore | None = None) -> Flushed:
    """Write all batches, flushing after each. Returns what a catalog would reference."""
    return list(backing_up(account_id, [], store))


def backing_up(account_id: int, flushed: Flushed, store: ObjectStore | None = None) -> Flushed:
    vault = open_vault(account_id=account_id)
    writer = VaultWriter(vault.keys, store or vault.store, vault.index, pack_bytes=PACK_BYTES)
    for batch in batches():
        parts = writer.put_many([(Role.MIME, data) for data in batch])
        writer.flush()
        flushed += list(zip(batch, parts, strict=True))
    return flushed


def assert_nothing_is_lost(account_id: int, flushed: Flushed) -> None:
    """Whatever a catalog may reference is readable, and no row names what is not there."""
    assert list(open_reader(account_id).read_many([part for _, part in flushed])) == [
        data for data, _ in flushed
    ]
    vault = open_vault(account_id=account_id)
    with account_scope(account_id):
        packs = {row.pk: bytes(row.pack_id) for row in Pack.objects.all()}
    indexes = {row: dict(read_pack_index(vault.store, vault.keys, pack_id)) for row, pack_id in packs.items()}
    for row in BlobLocation.objects.filter(account_id=account_id):
        assert indexes[row.pack_row][bytes(row.blob_id)].offset == row.position


def assert_the_rerun_completes(account_id: int) -> None:
    done = run_backup(account_id)
    assert_nothing_is_lost(account_id, done)
    with account_scope(account_id):
        in_store = {pack_id for pack_id, _ in list_packs(open_vault(account_id=account_id).store)}
        recorded = {bytes(row.pack_id) for row in Pack.objects.all()}
    assert recorded <= in_store
    assert set(orphans(account_id)) == in_store - recorded


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    return cast.account.pk


@pytest.mark.parametrize("kind", [Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.TORN])
def test_killed_at_any_store_call(account_id: int, kind: Kind) -> None:
    counting = FaultyStore(open_vault(account_id=account_id).store)
    backing_up(account_id, [], counting)
    assert counting.total >= 6
    for call in range(1, counting.total + 1):
        flushed: Flushed = []
        forget(account_id)
        with faulty(open_vault(account_id=account_id).store, Fault(kind, call)) as store, pytest.raises(Killed):
            backing_up(account_id, flushed, store)
        assert_nothing_is_lost(account_id, flushed)
        assert_the_rerun_completes(account_id)


def test_killed_at_any_database_statement(account_id: int) -> None:
    open_vault(account_id=account_id)
    with statements(stop_at=0) as counted:
        run_backup(account_id)
    assert counted[0] >= 20
    for stop_at in range(1, counted[0] + 1):
        flushed: Flushed = []
        forget(account_id)
        with statements(stop_at=stop_at), pytest.raises(Killed):
            backing_up(account_id, flushed)
        assert_nothing_is_lost(account_id, flushed)
        assert_the_rerun_completes(account_id)


def test_killed_at_any_statement_of_making_a_vault(account_id: int) -> None:
    with statements(stop_at=0) as counted:
        open_vault(account_id=account_id)
    for stop_at in range(1, counted[0] + 1):
        with account_scope(account_id):
            VaultKey.objects.all().delete()
            Shelf.objects.all().delete()
        Store.objects.all().delete()
        Installation.objects.all().delete()
        with statements(stop_at=stop_at), pytest.raises(Killed):
            open_vault(account_id=account_id)
        assert_the_rerun_completes(account_id)
        forget(account_id)


@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.LOST, Kind.FULL])
def test_a_flush_that_failed_may_be_repeated(account_id: int, kind: Kind) -> None:
    vault = open_vault(account_id=account_id)
    with faulty(vault.store, Fault(kind, 1)) as store:
        writer = VaultWriter(vault.keys, store, vault.index)
        part = writer.put(Role.MIME, b"not lost")
        with pytest.raises(StoreError):
            writer.flush()
        assert writer.pending_bytes > 0
        writer.flush()
    assert writer.pending_bytes == 0
    assert open_reader(account_id).read(part) == b"not lost"
    assert orphans(account_id) == []


def test_recording_a_pack_twice_is_harmless(account_id: int) -> None:
    """The commit succeeded, but its answer was lost: the writer records again."""
    vault = open_vault(account_id=account_id)
    index = vault.index

    class Forgetful:
        known, locate, dictionaries = index.known, index.locate, index.dictionaries

        def record(self, pack: SealedPack) -> None:
            index.record(pack)
            index.record(pack)

    with VaultWriter(vault.keys, vault.store, Forgetful()) as writer:
        part = writer.put(Role.MIME, b"recorded twice")
    assert open_reader(account_id).read(part) == b"recorded twice"
    with account_scope(account_id):
        assert Pack.objects.count() == 1
    assert BlobLocation.objects.filter(account_id=account_id).count() == 1


def test_a_pack_between_store_and_database_is_an_orphan(account_id: int) -> None:
    vault = open_vault(account_id=account_id)
    with faulty(vault.store, Fault(Kind.KILL_AFTER, 1, "put_if_absent")) as store:
        writer = VaultWriter(vault.keys, store, vault.index)
        writer.put(Role.MIME, b"stored but not recorded")
        with pytest.raises(Killed):
            writer.flush()
    assert orphans(account_id) == [pack_id for pack_id, _ in list_packs(vault.store)] != []
    assert not BlobLocation.objects.filter(account_id=account_id).exists()


def test_an_exception_inside_the_block_stores_nothing(account_id: int) -> None:
    vault = open_vault(account_id=account_id)
    with pytest.raises(Killed), vault.writer() as writer:
        writer.put(Role.MIME, b"never flushed")
        raise Killed
    assert list(list_packs(vault.store)) == []


def forget(account_id: int) -> None:
    """Start with an empty vault under the same keys."""
    vault = open_vault(account_id=account_id)
    for found in list(vault.store.list("packs/")):
        vault.store.delete(found.key)
    BlobLocation.objects.filter(account_id=account_id).delete()
    with account_scope(account_id):
        Pack.objects.all().delete()


@contextmanager
def statements(*, stop_at: int) -> Iterator[list[int]]:
    """Count the database statements of the block; end the process at number `stop_at` (0: never)."""
    counted = [0]

    def wrapper(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        counted[0] += 1
        if counted[0] == stop_at:
            raise Killed(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield counted
    assert counted[0] >= stop_at, "the statement was never reached"
