"""Garbage collection: what nothing references goes, after two looks; all else stays readable."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from apps.activity.models import Activity
from apps.vault import references
from apps.vault.api import ContentPart, Role, open_reader
from apps.vault.enums import GcState, PackState
from apps.vault.errors import BlobMissing, GcRefused, PackBarred, ReferencesUnreadable, VaultBusy
from apps.vault.gc import rehearsal, rewriting, rounds, rules
from apps.vault.gc.rules import MERGE_FROM
from apps.vault.gc.work import Work
from apps.vault.leases import maintenance
from apps.vault.models import BlobLocation, CondemnedBlob, GcRound, Pack
from apps.vault.reindex import index_rebuild
from apps.vault.services import open_vault
from apps.vault.store.backends.base import ObjectInfo, StoreDescription
from apps.vault.store.backends.locks import Lock, LockMode
from apps.vault.store.codec import Codec
from apps.vault.store.errors import ObjectLocked
from apps.vault.store.journal import Chain
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


def test_what_nothing_references_goes_after_two_looks_and_its_space_is_freed(vault: World) -> None:
    before = vault.stored_bytes()
    gone = vault.items["3"][1]
    vault.forget(*range(12))
    marked = vault.collect(now=True)
    assert (marked.state, marked.blobs, marked.live, marked.condemned) == (GcState.MARKED, 50, 38, 12)
    assert vault.blobs() == 50, "nothing goes at the first look"
    assert open_reader(vault.account_id).read(gone) == noise(3)
    vault.pass_days(2.5)
    assert vault.collect().state == GcState.MARKED, "nor within the grace period"
    vault.pass_days(1)
    done = vault.collect()
    assert (done.state, done.removed, vault.blobs()) == (GcState.DONE, 12, 38)
    assert done.removed_bytes == 12 * (2_000 + 16)
    vault.assert_whole()
    with pytest.raises(BlobMissing):
        open_reader(vault.account_id).read(gone)
    assert vault.stored_bytes() >= before, "objects wait out the quarantine"
    vault.pass_days(4)
    vault.collect()
    assert vault.stored_bytes() < before - 11 * 2_000
    vault.assert_whole()
    with vault.today():
        done.refresh_from_db()
        assert done.freed_bytes > done.removed_bytes
        codes = list(Activity.objects.order_by("pk").values_list("code", flat=True))
        assert codes == ["vault.collected", "vault.freed"]


def test_a_reference_that_came_back_saves_its_blob(vault: World) -> None:
    kept = {name: vault.items[name] for name in ("0", "1")}
    vault.forget(0, 1, 2)
    assert vault.collect(now=True).condemned == 3
    vault.items |= kept  # a run that had begun before the marks wrote them
    vault.pass_days(4)
    assert vault.collect().removed == 1
    vault.assert_whole()
    assert not CondemnedBlob.objects.exists()


def test_a_writer_that_meets_a_condemned_blob_stores_it_anew(vault: World) -> None:
    vault.forget(5)
    vault.collect(now=True)
    with vault.today():
        writer = vault.writer()
        part = writer.put(Role.MIME, noise(5))
        known = writer.put(Role.MIME, noise(6))
        assert writer.new_blobs == 1, "the condemned one is new to it, the other is known"
        writer.flush()
    vault.items["5"] = (noise(5), part)
    vault.items["6"] = (noise(6), known)
    assert not CondemnedBlob.objects.exists(), "recording takes the mark off"
    vault.pass_days(4)
    assert vault.collect().removed == 0
    vault.assert_whole()


def test_a_writer_between_two_sweeps_of_the_same_blob_finds_no_trace_of_it(vault: World) -> None:
    vault.forget(5)
    vault.collect(now=True)
    with vault.today():
        writer = vault.writer()
        part = writer.put(Role.MIME, noise(5))
        vault.pass_days(4)
        vault.collect()  # swept before the writer flushes
        writer.flush()
    vault.items["5"] = (noise(5), part)
    vault.assert_whole()


def test_nothing_is_swept_while_a_run_from_before_the_marks_is_at_work(vault: World) -> None:
    vault.writers = [vault.now - timedelta(hours=1)]
    vault.forget(5)
    vault.collect(now=True)
    vault.pass_days(30)
    assert vault.collect().state == GcState.MARKED
    vault.writers = [vault.now]  # it ended; another began after the marks
    assert vault.collect().state == GcState.DONE
    assert vault.blobs() == 49


def test_blobs_of_the_last_day_are_left_alone(vault: World) -> None:
    vault.back_up(100, 101)
    vault.forget(100, 101)  # put, but not referenced yet
    done = vault.collect(now=True)
    assert done.condemned == 0
    vault.pass_days(8)
    assert vault.collect().condemned == 0, "the open round had no marks; it is swept first"
    vault.pass_days(8)
    assert vault.collect().condemned == 2


@pytest.mark.parametrize("lost", [50, 16])
def test_surprising_numbers_are_refused_until_somebody_means_it(vault: World, lost: int) -> None:
    vault.forget(*range(lost))
    with pytest.raises(GcRefused, match="yes-really"):
        vault.collect(now=True)
    with vault.today():
        refused = GcRound.objects.get()
        assert (refused.state, refused.removed) == (GcState.REFUSED, 0)
        assert Activity.objects.get().code == "vault.collection_refused"
        assert rehearsal(vault.account_id).dead == lost
    assert not CondemnedBlob.objects.exists()
    assert vault.collect(now=True, forced=True).condemned == lost
    vault.pass_days(4)
    assert vault.collect().removed == lost, "the word holds for the whole round"


def test_references_that_vanish_between_the_two_looks_are_refused(vault: World) -> None:
    vault.forget(0, 1)
    vault.collect(now=True)
    vault.pass_days(4)
    with vault.today():
        CondemnedBlob.objects.bulk_create(
            CondemnedBlob(account_id=vault.account_id, blob_id=part.blobs[0])
            for _, part in list(vault.items.values())[:20]
        )
    vault.items.clear()
    with pytest.raises(GcRefused, match="nothing references any"):
        vault.collect()
    assert vault.blobs() == 50
    assert not CondemnedBlob.objects.exists()


def test_backups_that_only_journals_know_are_a_surprise(vault: World) -> None:
    chain = Chain(uuid.uuid4(), "mail")
    journals = open_vault(account_id=vault.account_id).journals()
    journals.write(chain, 1).finish({})
    with vault.today():
        assert rehearsal(vault.account_id).chains_ahead == 0, "a first run that died leaves such a one"
    journals.write(chain, 2).finish({})
    with pytest.raises(GcRefused, match="backups of 1 lists that are not in the catalog"):
        vault.collect(now=True)


def test_a_pack_that_is_missing_is_a_surprise(vault: World) -> None:
    with vault.today():
        pack = Pack.objects.order_by("pk")[0]
        open_vault(account_id=vault.account_id).store.delete(pack_key(bytes(pack.pack_id)))
    vault.forget(1)
    with pytest.raises(GcRefused, match=bytes(pack.pack_id).hex()):
        vault.collect(now=True)


def test_nobody_who_says_what_is_live_means_no_collection(
    vault: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_sources", {})
    with pytest.raises(ReferencesUnreadable, match="No app"):
        vault.collect(now=True, forced=True)


def test_a_content_list_that_cannot_be_read_stops_everything(vault: World) -> None:
    references.register_references(
        "broken", contents=lambda account_id: [[b"\x09"]], writers_gone=lambda account_id, since: True
    )
    vault.forget(1)
    with pytest.raises(ReferencesUnreadable, match="content list of the broken"):
        vault.collect(now=True, forced=True)
    assert not CondemnedBlob.objects.exists()


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

    def opened(*, account_id: int, shelf: int = 0) -> OpenVault:
        real = open_vault(account_id=account_id, shelf=shelf)
        return replace(real, store=Locked(real.store))

    monkeypatch.setattr(rounds, "open_vault", opened)
    monkeypatch.setattr(rewriting, "open_vault", opened)
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


def test_only_one_process_collects(vault: World) -> None:
    with vault.today(), maintenance(vault.account_id, "migration"), pytest.raises(VaultBusy, match="migration"):
        vault.collect(now=True)


def test_a_round_begins_once_a_week(vault: World) -> None:
    first = vault.collect()
    vault.pass_days(4)
    assert vault.collect().pk == first.pk
    vault.pass_days(2)
    assert vault.collect().pk == first.pk
    vault.pass_days(2)
    assert vault.collect().pk != first.pk


def test_another_accounts_vault_is_not_touched(vault: World, cast: Cast) -> None:
    other = World(cast.other_account.pk)
    other.back_up(*range(10))
    vault.forget(1, 2)
    vault.collect_all()
    assert (other.blobs(), vault.blobs()) == (10, 48)
    other.assert_whole()


def test_numbers_on_the_page_are_those_of_the_code() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/vault-ordering.md").read_text()
    for name in ("GRACE", "QUARANTINE", "SETTLED", "EVERY", "BARRED"):
        assert f"`{name}` = {getattr(rules, name).days} day" in page, name
    assert f"`REWRITE_BELOW` = {rules.REWRITE_BELOW:.0%}".replace("%", " %") in page
    assert f"`MAX_DEAD_SHARE` = {rules.MAX_DEAD_SHARE:.0%}".replace("%", " %") in page
    assert f"`MERGE_FROM` = {rules.MERGE_FROM}" in page
