"""Every kind of data in one plan and one job: there and back in all modes."""

import json
from collections import Counter
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from apps.backups.models import NodeVersion, Snapshot
from apps.backups.selectors.points import point_of
from apps.connectors.base import WriteItem
from apps.connectors.documents import canonical
from apps.connectors.enums import SubService
from apps.connectors.microsoft.connector import READERS, WRITERS
from apps.jobs.models import JobItem
from apps.recovery.models import Plan
from apps.recovery.restore.plan import WRITTEN_BEFORE, plan_create, plan_make, plan_start
from apps.recovery.restore.target import open_target
from apps.recovery.restore.undo import undo_start
from apps.recovery.services import selections_everything
from tests.recovery.conftest import Office, as_it_was

BINS = ("Deleted Items", "Recoverable Items", "Deletions")
PASSING = {
    "id",
    "changeKey",
    "created",
    "createdDateTime",
    "lastModifiedDateTime",
    "modified",
    "iCalUId",
    "uid",
    "values",
    "extensions",
}


@pytest.fixture(autouse=True)
def kinds() -> None:
    """Back up every kind."""


TEXT = {"contentType": "text", "content": "Every morning."}
SEEDS: dict[SubService, dict[str, Any]] = {
    SubService.CALENDARS: {
        "subject": "Standup", "body": TEXT, "type": "singleInstance", "categories": ["Shop"],
        "start": {"dateTime": "2026-11-02T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-02T09:15:00.0000000", "timeZone": "UTC"},
    },
    SubService.CONTACTS: {
        "displayName": "Latteria Colli", "givenName": "Latteria", "surname": "Colli", "categories": ["Shop"],
        "emailAddresses": [{"name": "Latteria Colli", "address": "orders@latteria.example"}],
    },
    SubService.TASKS: {"title": "Call the oven man", "status": "notStarted", "importance": "high"},
    SubService.NOTES: {"subject": "Recipes", "body": TEXT},
}  # fmt: skip


def seed(office: Office) -> None:
    """Put something of every kind into the mailbox, in its first folder."""
    with open_target(office.bob) as live:
        for kind in set(WRITERS) & set(SEEDS):
            writer = live.items(kind)
            folder_id = next(each.remote_id for each in live.do(writer.folders()))
            for number in range(3):
                live.do(writer.write(WriteItem(f"seed{number}", folder_id, canonical(SEEDS[kind]), b"")))


SHOWN = ("subject", "body", "start", "end", "displayName", "title", "jobTitle", "categories", "emailAddresses")
EDITS = {
    SubService.CALENDARS: ("events", {"subject": "Edited since"}),
    SubService.CONTACTS: ("contacts", {"jobTitle": "Edited since"}),
}


def change(office: Office, snapshot: Snapshot) -> None:
    """Since the backup somebody has edited one of what was seeded of each kind, and deleted another."""
    with open_target(office.bob) as live:
        for each in point_of(snapshot.run).snapshots:
            kind = SubService(each.sub_service)
            if kind not in SEEDS:
                continue
            rows = NodeVersion.objects.filter(entity_id=office.bob.pk, sub_service=kind, is_folder=False)
            named = SEEDS[kind].get("subject") or SEEDS[kind].get("displayName") or SEEDS[kind]["title"]
            edited, deleted = rows.filter(name=named).values_list("remote_id", flat=True)[:2]
            live.do(live.items(kind).remove(deleted))
            if kind in EDITS:
                send(office, *EDITS[kind], edited)


def send(office: Office, path: str, body: dict[str, Any], remote_id: str) -> None:
    url = f"{office.cloud.graph_url}/v1.0/users/{office.bob.remote_id}/{path}/{quote(remote_id, safe='')}"
    headers = {"Authorization": f"Bearer {office.cloud.token()}", "Content-Type": "application/json",
               "Prefer": 'IdType="ImmutableId"'}  # fmt: skip
    with urlopen(Request(url, json.dumps(body).encode(), headers, method="PATCH"), timeout=30) as answer:
        assert answer.status == 200


def whole(office: Office, entity: Any = None) -> Counter[str]:
    """Everything in a mailbox as text, without what names or dates a copy; its bins take what is removed."""
    found = office.cloud.export((entity or office.bob).remote_id)
    lines = [
        json.dumps((*as_it_was(mail), mail["folder"]))
        for mail in found.pop("messages")
        if not mail["folder"].startswith(BINS)
    ]
    lines += [folder["path"] for folder in found.pop("folders")]
    for kind, things in found.items():
        if isinstance(things, dict):
            for row in things.get("items", ()):  # a copy says in words what was a default
                row["document"] = {name: row["document"].get(name) for name in SHOWN}
            every = [row for rows in things.values() if isinstance(rows, list) for row in rows]
            lines += [f"{kind} {json.dumps(plain(row), sort_keys=True)}" for row in every]
    return Counter(lines)


def plain(value: Any) -> Any:
    """A value without what is another one for each copy."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in PASSING and not k.lower().endswith("id")}
    return [plain(each) for each in value] if isinstance(value, list) else value


def restore_all(office: Office, snapshot: Snapshot, mode: str, target: Any = None) -> Plan:
    point = point_of(snapshot.run)
    selections_everything(point=point)
    plan = plan_make(plan=plan_create(point=point, target=target or office.bob, mode=mode))
    assert plan.state == "ready", plan.message
    job = office.work(plan_start(plan=plan))
    troubles = JobItem.objects.filter(job=job, outcome="failed").values_list("label", "message")
    assert (job.state, list(troubles)) == ("succeeded", []), job.message
    assert job.result["drift"] == []
    return Plan.objects.get(pk=plan.pk)


@pytest.mark.parametrize("mode", ["new_root", "skip", "replace", "duplicate"])
def test_all_kinds_are_restored_in_one_job_and_taken_back(office: Office, mode: str) -> None:
    seed(office)
    snapshot = office.back_up()
    kept = {each.sub_service: each.items for each in point_of(snapshot.run).snapshots}
    assert set(kept) == set(READERS) and all(kept[kind] >= 3 for kind in set(SEEDS) & set(WRITERS)), kept
    change(office, snapshot)
    before = whole(office)
    assert any("Edited since" in line for line in before) or not set(EDITS) & set(WRITERS)
    plan = restore_all(office, snapshot, mode)
    now = whole(office)
    assert now != before and (mode != "replace" or not any("Edited since" in line for line in now))
    kinds = [part.snapshot.sub_service for part in plan.parts.select_related("snapshot")]
    assert len(kinds) == len(point_of(snapshot.run).snapshots)
    assert bool(plan.notes) == (mode == "replace"), "what overwriting costs an event is said before"
    again = plan_make(plan=plan_create(point=point_of(snapshot.run), target=office.bob, mode=mode))
    assert (WRITTEN_BEFORE in again.notes) == (mode in ("skip", "replace")), again.notes
    done = office.work(undo_start(plan=plan))
    named = JobItem.objects.filter(job=done).exclude(outcome="done").values_list("label", "message")
    assert (done.state, list(named)) == ("succeeded", [])
    after = whole(office)
    assert (before - after, after - before) == (Counter(), Counter())
