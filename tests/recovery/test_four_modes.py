"""A mixed mailbox through all four modes and back: what was planned is what was done, and undo leaves no trace.

EVERKEEP_MODES_ITEMS=10000 makes the mailbox that large (about ten minutes on two cores).
"""

import asyncio
import os
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest

from apps.backups.models import NodeVersion
from apps.backups.selectors.points import point_of
from apps.connectors.documents import canonical
from apps.connectors.enums import SubService
from apps.connectors.microsoft import governor
from apps.connectors.writing import WriteItem
from apps.recovery.restore import pace
from apps.recovery.restore import plan as planning
from apps.recovery.restore.plan import plan_create, plan_make, plan_start
from apps.recovery.restore.report import done_counts
from apps.recovery.restore.target import open_target
from apps.recovery.restore.undo import undo_start
from apps.recovery.services import selections_everything
from tests.recovery.conftest import Office
from tests.recovery.factories import mail
from tests.recovery.test_restore_kinds import EDITS, SEEDS, change_settings, seed_settings, send, whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]
ITEMS = int(os.environ.get("EVERKEEP_MODES_ITEMS", "150"))
NAMES = {
    SubService.CALENDARS: "subject",
    SubService.CONTACTS: "displayName",
    SubService.TASKS: "title",
    SubService.NOTES: "subject",
}


@pytest.fixture(autouse=True)
def kinds() -> None:
    """Back up every kind."""


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand items are more than a mailbox takes in ten minutes. Large folders are listed."""
    monkeypatch.setattr(governor, "MAILBOX_REQUESTS", 10**9)
    monkeypatch.setattr(pace, "WINDOW_BYTES", 10**15)
    monkeypatch.setattr(planning, "_BATCH", 20)


def fill(office: Office) -> None:
    """Six of ten items are mail, one of ten each an event, contact, task and note."""
    office.cloud.bulk(office.cloud.admin, ITEMS * 6 // 10, size=2_000, folders=4)
    seed_settings(office)
    with open_target(office.bob) as live:
        for kind, fields in SEEDS.items():
            writer = live.items(kind)
            folder_id = next(each.remote_id for each in live.do(writer.folders()))
            live.do(_write_all(writer, folder_id, kind, fields))


async def _write_all(writer: Any, folder_id: str, kind: SubService, fields: dict[str, Any]) -> None:
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> None:
        document = canonical({**fields, NAMES[kind]: f"{fields[NAMES[kind]]} {number}"})
        async with gate:
            await writer.write(WriteItem(f"seed{number}", folder_id, document, b""))

    await asyncio.gather(*(one(number) for number in range(ITEMS // 10)))


def change(office: Office) -> Counter[str]:
    """A tenth of every kind is deleted, another tenth edited. Returns how many of each."""
    told: Counter[str] = Counter()
    with open_target(office.bob) as live:
        for kind in (SubService.MAIL, *SEEDS):
            rows = NodeVersion.objects.filter(
                entity_id=office.bob.pk, sub_service=kind, is_folder=False, gone=None
            )
            named = SEEDS[kind][NAMES[kind]] if kind in SEEDS else ""
            mine = list(rows.filter(name__startswith=named).order_by("pk").values_list("remote_id", flat=True))
            tenth = len(mine) // 10
            for remote_id in mine[:tenth]:
                live.do(live.items(kind).remove(remote_id))
            told["lost"] += tenth
            path, fields = EDITS.get(kind, ("messages", {"categories": ["Edited since"]}))
            if kind in EDITS or kind == SubService.MAIL:
                for remote_id in mine[tenth : 2 * tenth]:
                    send(office, f"{path}/{quote(remote_id, safe='')}", fields)
                told["edited"] += tenth
        change_settings(office, live.items(SubService.SETTINGS).remove, live.do)
    return told


def test_what_was_planned_is_done_in_every_mode_and_an_undo_leaves_no_trace(office: Office) -> None:
    fill(office)
    snapshot = office.back_up()
    told = change(office)
    before = whole(office)
    neighbour = f"neighbour@{office.cloud.domain}"
    office.cloud.add_user(neighbour)
    office.cloud.deliver(neighbour, mail("Mine alone"))
    others, told_people = office.cloud.mailbox_hash(neighbour), office.cloud.notices()
    point = point_of(snapshot.run)
    total = sum(each.items for each in point.snapshots)
    for mode in ("new_root", "skip", "replace", "duplicate"):
        selections_everything(point=point)
        plan = plan_make(plan=plan_create(point=point, target=office.bob, mode=mode))
        planned = {name: plan.total(name) for name in ("create", "replace", "duplicate", "skip")}
        assert sum(planned.values()) == total, (mode, planned)
        job = office.work(plan_start(plan=plan))
        assert (job.state, job.items_failed, job.result["drift"]) == ("succeeded", 0, []), (mode, job.message)
        assert {name: done_counts(job)[name] for name in planned} == planned, mode
        if mode in ("skip", "replace"):
            assert planned["create"] == told["lost"] + 2, "all that was deleted, a rule and a category"
            assert planned["replace"] == (told["edited"] + 4 if mode == "replace" else 0)
        undone = office.work(undo_start(plan=plan))
        assert (undone.state, undone.items_failed + undone.items_skipped) == ("succeeded", 0), mode
        after = whole(office)
        assert (before - after, after - before) == (Counter(), Counter()), mode
    assert (office.cloud.mailbox_hash(neighbour), office.cloud.notices()) == (others, told_people)
