"""Garbage collection: what nothing references goes, after two looks; all else stays readable."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from apps.activity.models import Activity
from apps.vault import references, registry
from apps.vault.api import Role, open_reader
from apps.vault.enums import GcState
from apps.vault.errors import BlobMissing, GcRefused, ReferencesUnreadable, VaultBusy
from apps.vault.gc import rehearsal, rules
from apps.vault.gc.rules import Census, surprises
from apps.vault.leases import maintenance
from apps.vault.models import CondemnedBlob, GcRound, Pack
from apps.vault.registry import Ordered
from apps.vault.services import open_vault
from apps.vault.store.journal import Chain
from apps.vault.store.pack import pack_key
from tests.cast import Cast
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


def test_what_people_had_deleted_is_no_surprise_once_and_never_hides_a_catalog_that_lost_everything(
    vault: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime | None] = []

    def dead(account_id: int, since: datetime | None) -> int:
        asked.append(since)
        return 20

    deleted = Ordered(dead=dead, chains=lambda account_id: ())
    monkeypatch.setattr(registry, "_ordered", {"test": deleted})
    vault.forget(*range(20))
    vault.collect(now=True)
    vault.pass_days(4)
    done = vault.collect()
    assert done.state == GcState.DONE and set(asked) == {None}
    vault.pass_days(8)
    vault.collect()
    assert asked[-1] == done.started_at, "what that round swept explains nothing any more"
    half = Census(blobs=50, live=0, dead=50, explained=50)
    assert not surprises(half)
    assert surprises(replace(half, snapshots=True)) == ["nothing references any of the 50 blobs"]


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
