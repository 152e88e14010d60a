"""gc killed at any step: nothing that is referenced is lost, and the next calls bring it to the same end.

The scenario has all that gc does: dead blobs, an empty pack, a thin one, small ones to merge, an orphan. It
runs once undisturbed to count its steps, then once for each (docs/vault-ordering.md, table under "Deleting").
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from apps.core.scope import account_scope
from apps.vault.enums import GcState, PackState
from apps.vault.errors import StoreError
from apps.vault.gc import rewriting, rounds
from apps.vault.models import BlobLocation, CondemnedBlob, GcRound, Pack, VaultLease
from apps.vault.services import open_vault
from apps.vault.store.backends.base import ObjectStore
from apps.vault.store.inspect import list_packs
from tests.cast import Cast
from tests.faults.store import Fault, FaultyStore, Killed, Kind, faulty
from tests.vault.gc_world import World, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
Wrap = Callable[[ObjectStore], ObjectStore]


@pytest.fixture
def vault(cast: Cast, vault_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(rewriting, "MERGE_FROM", 2)
    with world(cast.account.pk, monkeypatch) as made:
        yield made


def prepare(vault: World) -> None:
    """Start anew: an empty pack to be, a thin one, two small ones, and an orphan."""
    _wipe(vault)
    vault.back_up(0, 1, pack_bytes=10**6)
    vault.back_up(2, 3, 4, 5, pack_bytes=10**6)
    vault.back_up(6, pack_bytes=10**6)
    vault.back_up(7, pack_bytes=10**6)
    open_vault(account_id=vault.account_id).store.put_if_absent(f"packs/ab/{'ab' * 16}", b"left by a crash")
    vault.pass_days(2)
    vault.forget(0, 1, 3, 4, 5)


def _wipe(vault: World) -> None:
    store = open_vault(account_id=vault.account_id).store
    for found in list(store.list("packs/")):
        store.delete(found.key)
    BlobLocation.objects.filter(account_id=vault.account_id).delete()
    CondemnedBlob.objects.filter(account_id=vault.account_id).delete()
    with account_scope(vault.account_id):
        for model in (Pack, GcRound, VaultLease):
            model.objects.all().delete()
    vault.items.clear()


def work_through(vault: World) -> None:
    """Call gc as beat would, with days in between, until a new round is over and all is deleted."""
    with vault.today():
        before = set(GcRound.objects.filter(state=GcState.DONE).values_list("pk", flat=True))
    for _ in range(12):
        vault.collect(now=True, forced=True)
        vault.pass_days(4)
        with vault.today():
            done = GcRound.objects.filter(state=GcState.DONE).exclude(pk__in=before)
            leaving = Pack.objects.filter(state__in=(PackState.RETIRED, PackState.ORPHAN))
            if len(done) and not leaving.exists():
                return
    raise AssertionError("gc does not come to an end")


def assert_finished(vault: World) -> None:
    """All that is referenced is there, nothing else is, in any order of events."""
    work_through(vault)
    work_through(vault)  # what a kill left behind is found by the list of the next round
    vault.assert_whole()
    assert vault.blobs() == len(vault.items) == 3
    assert not CondemnedBlob.objects.filter(account_id=vault.account_id).exists()
    with vault.today():
        used = {bytes(pack.pack_id) for pack in Pack.objects.filter(state=PackState.STORED)}
    stored = {pack_id for pack_id, _ in list_packs(open_vault(account_id=vault.account_id).store)}
    assert stored == used
    assert len(used) == 1


@contextmanager
def through(patch: pytest.MonkeyPatch, wrap: Wrap) -> Iterator[None]:
    """Let gc see the store through `wrap`."""

    def opened(*, account_id: int, shelf: int = 0):  # type: ignore[no-untyped-def]
        vault = open_vault(account_id=account_id, shelf=shelf)
        return replace(vault, store=wrap(vault.store))

    with patch.context() as patched:
        patched.setattr(rounds, "open_vault", opened)
        patched.setattr(rewriting, "open_vault", opened)
        yield


class Shared:
    """One faulty store for all openings of the vault, so that calls are counted through."""

    def __init__(self, store: FaultyStore) -> None:
        self.store = store

    def __call__(self, real: ObjectStore) -> ObjectStore:
        self.store.store = real
        return self.store


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", [Kind.KILL_BEFORE, Kind.LOST])
def test_killed_at_any_store_call(vault: World, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(vault)
    real = open_vault(account_id=vault.account_id).store
    counting = FaultyStore(real)
    with through(monkeypatch, Shared(counting)):
        work_through(vault)
    assert_finished(vault)
    assert counting.calls["put_if_absent"] == 1
    assert counting.calls["delete"] >= 4
    for call in range(1, counting.total + 1):
        prepare(vault)
        with (
            faulty(real, Fault(kind, call)) as store,
            through(monkeypatch, Shared(store)),
            pytest.raises((Killed, StoreError)),
        ):
            work_through(vault)
        vault.assert_whole()
        assert_finished(vault)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_new_pack_that_was_torn_is_never_used(vault: World, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(vault)
    real = open_vault(account_id=vault.account_id).store
    with (
        faulty(real, Fault(Kind.TORN, 1, "put_if_absent")) as store,
        through(monkeypatch, Shared(store)),
        pytest.raises(Killed),
    ):
        work_through(vault)
    vault.assert_whole()
    assert_finished(vault)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_full_store_stops_the_merge_and_harms_nothing(vault: World, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(vault)
    real = open_vault(account_id=vault.account_id).store
    with (
        faulty(real, Fault(Kind.FULL, 1, "put_if_absent")) as store,
        through(monkeypatch, Shared(store)),
        pytest.raises(StoreError, match="no space"),
    ):
        work_through(vault)
    vault.assert_whole()
    assert_finished(vault)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_statement_that_writes(vault: World) -> None:
    """Reading changes nothing: a kill there is a kill after the write before."""
    prepare(vault)
    with writes(stop_at=0) as counted:
        work_through(vault)
    assert counted[0] >= 30
    for stop_at in range(1, counted[0] + 1):
        prepare(vault)
        with writes(stop_at=stop_at), pytest.raises(Killed):
            work_through(vault)
        vault.pass_days(0.1)  # until its lease is over
        vault.assert_whole()
        assert_finished(vault)


@contextmanager
def writes(*, stop_at: int) -> Iterator[list[int]]:
    seen = [0]

    def wrapper(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen[0] += sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))
        if stop_at and seen[0] >= stop_at:
            raise Killed(sql)  # nor does the dead process tidy up: its lease stays
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield seen
    assert seen[0] >= stop_at, "the statement was never reached"
