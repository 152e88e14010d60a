"""Garbage collection and packs: thin ones rewritten, small ones merged, orphans and locked ones left alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from apps.vault import references
from apps.vault.api import ContentPart, open_reader
from apps.vault.enums import GcState, PackState
from apps.vault.errors import PackBarred, ReferencesUnreadable, StoreError, StoreUnavailable
from apps.vault.gc import marking, rewriting, rounds
from apps.vault.gc.rules import MERGE_FROM
from apps.vault.gc.work import Work
from apps.vault.leases import maintenance
from apps.vault.models import BlobLocation, GcRound, Pack
from apps.vault.reindex import index_rebuild
from apps.vault.services import open_vault
from apps.vault.store.backends.base import ObjectInfo, StoreDescription
from apps.vault.store.backends.locks import Lock, LockMode
from apps.vault.store.codec import Codec
from apps.vault.store.errors import ObjectLocked
from apps.vault.store.pack import PackBuilder, SealedPack, pack_key
from apps.vault.vaults import OpenVault
from tests.cast import Cast
from tests.faults.store import FaultyStore
from tests.vault.gc_world import World, noise, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def vault(cast: Cast, vault_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Fifty items in four packs, stored two days ago."""
    with world(cast.account.pk, monkeypatch) as made:
        made.back_up(*range(50))
        made.pass_days(2)
        yield made


def test_thin_packs_are_rewritten_and_full_ones_left(vault: World) -> None:
    with vault.today():
        before = list(Pack.objects.order_by("pk").values_list("pk", flat=True))
    vault.forget(*range(8), *range(14, 17))
    done = vault.collect_all()
    assert (done.removed, done.rewritten, done.damaged) == (11, 1, 0)
    with vault.today():
        stored = list(Pack.objects.filter(state=PackState.STORED).values_list("pk", flat=True))
    assert set(before[1:]) < set(stored), "only the first was under 60 % live"
    assert len(stored) == len(before)
    vault.assert_whole()


def test_small_packs_are_merged_and_nothing_else_changes(vault: World) -> None:
    parts = {name: part for name, (_, part) in vault.items.items()}
    for number in range(MERGE_FROM):
        vault.back_up(200 + number)
    vault.pass_days(2)
    objects = vault.objects()
    vault.collect_all()
    assert vault.objects() < objects - MERGE_FROM
    vault.assert_whole()
    assert {name: part for name, (_, part) in vault.items.items() if name in parts} == parts


def test_a_damaged_pack_is_left_for_the_repair_and_the_rest_is_done(vault: World, vault_folder: Path) -> None:
    with vault.today():
        pack = Pack.objects.order_by("pk")[0]
    (path,) = vault_folder.glob("*/" + pack_key(bytes(pack.pack_id)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 - 3_000] ^= 1
    path.write_bytes(data)
    hit = [name for name, (_, part) in vault.items.items() if _in_first_pack(vault, pack, part)]
    vault.forget(*[int(name) for name in hit[1:3]], *range(40, 46))
    for number in range(MERGE_FROM):
        vault.back_up(200 + number)
    vault.pass_days(2)
    done = vault.collect_all()
    assert (done.state, done.damaged) == (GcState.DONE, 1)
    with vault.today():
        assert Pack.objects.get(pk=pack.pk).state == PackState.STORED


def test_a_pack_whose_own_list_is_damaged_is_moved_by_the_rows(vault: World, vault_folder: Path) -> None:
    with vault.today():
        pack = Pack.objects.order_by("pk")[1]
        Pack.objects.filter(pk=pack.pk).update(needs_rewrite=True)  # a check found it
    (path,) = vault_folder.glob("*/" + pack_key(bytes(pack.pack_id)))
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    done = vault.collect_all()
    assert (done.rewritten, done.damaged) == (1, 0)
    assert not path.exists()
    vault.assert_whole()


def test_a_pack_that_does_not_say_what_it_holds_is_not_taken_for_empty(
    vault: World, vault_folder: Path
) -> None:
    with vault.today():
        pack = Pack.objects.order_by("pk")[1]
        (path,) = vault_folder.glob("*/" + pack_key(bytes(pack.pack_id)))
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(data)
        with maintenance(vault.account_id, "test") as lease:
            work = Work(open_vault(account_id=vault.account_id), lease, GcRound(account_id=vault.account_id))
            # A writer took the marks off after the sweep had counted: all packs look empty, none is.
            rewriting.rewrite(work, {})
        assert set(Pack.objects.values_list("state", flat=True)) == {PackState.STORED}


def _in_first_pack(vault: World, pack: Pack, part: ContentPart) -> bool:
    place = BlobLocation.objects.get(account_id=vault.account_id, blob_id=part.blobs[0])
    return place.pack_row == pack.pk


def test_an_orphan_goes_after_its_grace_and_its_id_is_barred(vault: World) -> None:
    sealed = _stored_but_not_recorded(vault)
    assert vault.collect(now=True).deleted == 0
    with vault.today():
        assert Pack.objects.get(pack_id=sealed.pack_id).state == PackState.ORPHAN
    assert vault.objects() == 5
    vault.pass_days(4)
    vault.collect()
    assert vault.objects() == 4
    with vault.today(), pytest.raises(PackBarred):
        open_vault(account_id=vault.account_id).index.record(sealed)
    vault.assert_whole()


def test_an_orphan_whose_writer_comes_back_is_an_orphan_no_more(vault: World) -> None:
    sealed = _stored_but_not_recorded(vault)
    vault.collect(now=True)
    with vault.today():
        open_vault(account_id=vault.account_id).index.record(sealed)
        assert Pack.objects.get(pack_id=sealed.pack_id).state == PackState.STORED
    vault.pass_days(4)
    vault.collect()
    assert vault.objects() == 5
    vault.assert_whole()


def _stored_but_not_recorded(vault: World) -> SealedPack:
    opened = open_vault(account_id=vault.account_id)
    builder = PackBuilder(opened.keys)
    builder.add(opened.keys.blob_id(b"late"), Codec.RAW, b"late", 4)
    sealed = builder.seal()
    opened.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)
    return sealed


def test_orphans_stay_while_referenced_blobs_are_lost(vault: World) -> None:
    _stored_but_not_recorded(vault)
    lost = vault.items.pop("7")[1]
    BlobLocation.objects.filter(account_id=vault.account_id, blob_id=lost.blobs[0]).delete()
    vault.items["7"] = (b"", lost)
    vault.collect(now=True, forced=True)
    vault.pass_days(4)
    assert vault.collect().lost == 1
    assert vault.objects() == 5


@pytest.mark.parametrize("trouble", ["the list of packs does not come", "a content list cannot be read"])
def test_orphans_stay_while_it_is_not_known_whether_anything_is_lost(
    vault: World, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """A round that broke off has counted nothing: that is no proof that nothing is lost."""
    _stored_but_not_recorded(vault)
    lost = vault.items.pop("7")[1]
    BlobLocation.objects.filter(account_id=vault.account_id, blob_id=lost.blobs[0]).delete()
    vault.items["7"] = (b"", lost)
    vault.collect(now=True, forced=True)
    vault.pass_days(4)
    vault.collect()
    vault.pass_days(4)
    with monkeypatch.context() as patched, pytest.raises((StoreError, ReferencesUnreadable)):
        if "list of packs" in trouble:
            patched.setattr(marking, "stored_packs", _no_answer)
        else:
            patched.setattr(vault, "contents", lambda account_id: [[b"no content list"]])
            references.register_references("test", contents=vault.contents, writers_gone=vault.writers_gone)
        vault.collect(now=True)
    references.register_references("test", contents=vault.contents, writers_gone=vault.writers_gone)
    vault.collect(now=True, forced=True)
    assert vault.objects() == 5


def _no_answer(vault: OpenVault) -> dict[bytes, int]:
    raise StoreUnavailable("The store does not answer.")


def test_a_lost_blob_is_counted_though_others_have_a_place_on_each_of_two_shelves(vault: World) -> None:
    lost = vault.items["7"][1].blobs[0]
    places = list(BlobLocation.objects.filter(account_id=vault.account_id).exclude(blob_id=lost).values())
    BlobLocation.objects.bulk_create(BlobLocation(**{**place, "shelf": 1}) for place in places)
    BlobLocation.objects.filter(account_id=vault.account_id, blob_id=lost).delete()
    alike = next(n for n in range(1_000, 9_000) if _blob_id(vault, n)[0] == lost[0])
    vault.back_up(alike)
    place = BlobLocation.objects.get(account_id=vault.account_id, blob_id=_blob_id(vault, alike))
    place.shelf = 1
    place.save(force_insert=True)
    assert vault.collect(now=True, forced=True).lost == 1


def _blob_id(vault: World, number: int) -> bytes:
    return open_vault(account_id=vault.account_id).keys.blob_id(noise(number))


def test_a_rebuild_over_an_old_dump_finds_what_has_moved_since(vault: World) -> None:
    with vault.today():
        packs = list(Pack.objects.values())
        places = list(BlobLocation.objects.filter(account_id=vault.account_id).values())
    vault.forget(*range(0, 50, 4))
    with vault.today():
        Pack.objects.update(needs_rewrite=True)
    assert vault.collect_all().rewritten == 4
    with vault.today():  # the dump of that day comes back
        Pack.objects.all().delete()
        BlobLocation.objects.filter(account_id=vault.account_id).delete()
        Pack.objects.bulk_create(Pack(**row) for row in packs)
        BlobLocation.objects.bulk_create(BlobLocation(**row) for row in places)
        with maintenance(vault.account_id, "rebuild") as lease:
            index_rebuild(vault.account_id, lease, told=lambda count: None)
    data, parts = zip(*vault.items.values(), strict=True)
    assert list(open_reader(vault.account_id).read_many(parts)) == list(data)


def test_a_list_that_lags_misses_nothing_and_deletes_nothing_in_use(
    vault: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New objects are not listed for half a day, deleted ones still are."""
    listed: list[ObjectInfo] = []

    class Lagging(FaultyStore):
        def list(self, prefix: str) -> Iterator[ObjectInfo]:
            return iter(listed or list(self.store.list(prefix)))

    def opened(*, account_id: int, shelf: int = 0) -> OpenVault:
        real = open_vault(account_id=account_id, shelf=shelf)
        return replace(real, store=Lagging(real.store))

    monkeypatch.setattr(rounds, "open_vault", opened)
    monkeypatch.setattr(rewriting, "open_vault", opened)
    store = open_vault(account_id=vault.account_id).store
    listed = list(store.list("packs/"))
    vault.back_up(100, 101, 102)  # in a pack that the list does not show yet
    vault.forget(*range(12))
    vault.collect(now=True)
    vault.pass_days(4)
    vault.collect()
    vault.pass_days(4)
    listed = list(store.list("packs/"))
    vault.collect(now=True)  # deletes objects, and the list still names them
    assert len(list(store.list("packs/"))) < len(listed)
    vault.pass_days(4)
    vault.collect()
    vault.assert_whole()
    listed = []
    vault.collect_all()
    vault.collect_all()
    vault.assert_whole()
    with vault.today():
        assert not Pack.objects.filter(state__in=(PackState.RETIRED, PackState.ORPHAN)).exists()
    assert vault.blobs() == len(vault.items)


def open_as(store: type[FaultyStore], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let garbage collection meet stores of this kind."""

    def opened(*, account_id: int, shelf: int = 0) -> OpenVault:
        real = open_vault(account_id=account_id, shelf=shelf)
        return replace(real, store=store(real.store))

    monkeypatch.setattr(rounds, "open_vault", opened)
    monkeypatch.setattr(rewriting, "open_vault", opened)


def test_a_locked_pack_waits_and_is_counted(vault: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Object Lock holds two packs: one that is empty by now, one that is thin."""
    held = True

    class Locked(FaultyStore):
        def delete(self, key: str) -> None:
            if held:
                raise ObjectLocked(f"{key} is protected.")
            super().delete(key)

        def locked_until(self, key: str) -> datetime | None:
            return vault.now + timedelta(days=100) if held else None

        def describe(self) -> StoreDescription:
            return StoreDescription("Folder", "here", Lock(LockMode.GOVERNANCE, 100), True)

    open_as(Locked, monkeypatch)
    before = vault.objects()
    vault.forget(*range(13), *range(14, 22))
    done = vault.collect_all(forced=True)
    assert (done.removed, done.rewritten, done.deleted) == (21, 0, 0)
    assert done.locked == 2, "one was not rewritten, one not deleted"
    assert vault.objects() == before
    held = False
    vault.collect_all()
    assert vault.objects() < before
    vault.assert_whole()


def test_a_locked_pack_that_has_to_be_emptied_is_at_once_and_goes_when_its_lock_has_run_out(
    vault: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of a pack in use is prolonged: who waits for its end would wait for ever."""
    with vault.today():
        pack = Pack.objects.order_by("pk")[0]
        monkeypatch.setattr(rewriting, "packs_to_empty", lambda account_id: {pack.pk})
    until = vault.now + timedelta(days=30)

    class Locked(FaultyStore):
        def delete(self, key: str) -> None:
            if self.locked_until(key):
                raise ObjectLocked(f"{key} is protected.")
            super().delete(key)

        def locked_until(self, key: str) -> datetime | None:
            return until if vault.now < until else None

        def describe(self) -> StoreDescription:
            return StoreDescription("Folder", "here", Lock(LockMode.GOVERNANCE, 30), True)

    open_as(Locked, monkeypatch)
    vault.forget(0)
    before = vault.objects()
    assert vault.collect_all().rewritten == 1
    with vault.today():
        pack.refresh_from_db()
    assert pack.state == PackState.RETIRED, "its lock is prolonged no more"
    assert vault.objects() == before + 1
    vault.pass_days(30)
    vault.collect()
    assert vault.objects() == before
    vault.assert_whole()
