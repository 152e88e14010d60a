"""Every kind of data in one plan and one job: there and back in all modes."""

import json
from collections import Counter
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from apps.backups.models import NodeVersion, Snapshot
from apps.backups.selectors.points import point_of
from apps.connectors.documents import canonical
from apps.connectors.enums import SubService
from apps.connectors.microsoft.connector import READERS, WRITERS
from apps.connectors.writing import WriteItem
from apps.jobs.models import JobItem
from apps.recovery.models import Plan
from apps.recovery.restore.plan import plan_create, plan_make, plan_start
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


SETTINGS: dict[str, Any] = {
    "timeZone": "GMT Standard Time", "language": {"locale": "en-GB", "displayName": "English"},
    "dateFormat": "dd/MM/yyyy", "timeFormat": "HH:mm",
    "automaticRepliesSetting": {
        "status": "alwaysEnabled", "externalAudience": "all", "internalReplyMessage": "Away until Monday.",
        "externalReplyMessage": "Away.",
    },
}  # fmt: skip
RULES, CATEGORIES = "mailFolders/inbox/messageRules", "outlook/masterCategories"


def rule(name: str, sequence: int) -> dict[str, Any]:
    does = {"markAsRead": True, "stopProcessingRules": True}
    return {"displayName": name, "sequence": sequence, "isEnabled": True, "actions": does,
            "conditions": {"subjectContains": ["flour"]}}  # fmt: skip


def seed(office: Office) -> None:
    """Put something of every kind into the mailbox, in its first folder."""
    with open_target(office.bob) as live:
        for kind in set(WRITERS) & set(SEEDS):
            writer = live.items(kind)
            folder_id = next(each.remote_id for each in live.do(writer.folders()))
            for number in range(3):
                live.do(writer.write(WriteItem(f"seed{number}", folder_id, canonical(SEEDS[kind]), b"")))
    seed_settings(office)


def seed_settings(office: Office) -> None:
    send(office, "mailboxSettings", SETTINGS)
    for sequence in (1, 2, 3):  # the first two are alike but for their place
        send(office, RULES, rule("Flour" if sequence < 3 else "Rye", sequence), method="POST")
    for name in ("Urgent", "Oven"):
        send(office, CATEGORIES, {"displayName": name, "color": "preset1"}, method="POST")


SHOWN = ("subject", "body", "start", "end", "displayName", "title", "jobTitle", "categories", "emailAddresses",
         "color", "sequence", "isEnabled", "conditions", "actions", *SETTINGS)  # fmt: skip
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
            edited, deleted = ids_of(office, kind)[:2]
            live.do(live.items(kind).remove(deleted))
            if kind in EDITS:
                path, fields = EDITS[kind]
                send(office, f"{path}/{quote(edited, safe='')}", fields)
        change_settings(office, live.items(SubService.SETTINGS).remove, live.do)


def change_settings(office: Office, remove: Any, do: Any) -> None:
    edited, gone = ids_of(office, SubService.SETTINGS, "Rule: Flour")
    send(office, f"{RULES}/{edited.removeprefix('rule:')}", {"actions": {"delete": True}})
    do(remove(gone))
    (edited,) = ids_of(office, SubService.SETTINGS, "Category: Urgent")
    send(office, f"{CATEGORIES}/{edited.removeprefix('category:')}", {"color": "preset5"})
    do(remove(*ids_of(office, SubService.SETTINGS, "Category: Oven")))
    replies = SETTINGS["automaticRepliesSetting"] | {"internalReplyMessage": "Edited since"}
    send(office, "mailboxSettings", {"automaticRepliesSetting": replies, "timeZone": "UTC"})


def ids_of(office: Office, kind: SubService, name: str = "") -> list[str]:
    """Ids of what was seeded of a kind, as the newest backup knows them."""
    fields = SEEDS.get(kind, {})
    name = name or fields.get("subject") or fields.get("displayName") or fields["title"]
    rows = NodeVersion.objects.filter(entity_id=office.bob.pk, sub_service=kind, is_folder=False, gone=None)
    return list(rows.filter(name=name).order_by("pk").values_list("remote_id", flat=True))


def send(office: Office, path: str, body: dict[str, Any], *, method: str = "PATCH") -> None:
    url = f"{office.cloud.graph_url}/v1.0/users/{office.bob.remote_id}/{path}"
    headers = {"Authorization": f"Bearer {office.cloud.token()}", "Content-Type": "application/json",
               "Prefer": 'IdType="ImmutableId"'}  # fmt: skip
    with urlopen(Request(url, json.dumps(body).encode(), headers, method=method), timeout=30) as answer:
        assert answer.status in (200, 201)


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


def sample_tells_what_overwriting_changes(plan: Plan) -> None:
    told = [(each["kind"], each["name"], *field) for each in plan.samples for field in each["fields"]]
    assert ("Calendars", "Standup", "Name", "Edited since", "Standup") in told
    assert ("Contacts", "Latteria Colli", "Job title", "Edited since", "") in told
    assert ("Mailbox settings", "Category: Urgent", "Colour", "Teal", "Orange") in told
    assert any(each[3:] == ("different", "as in the backup") for each in told), told
    assert "Away until Monday" not in json.dumps(plan.samples), "texts are not kept with a plan"


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
    if mode == "replace":
        sample_tells_what_overwriting_changes(plan)
    now = whole(office)
    assert now != before and (mode != "replace" or not any("Edited since" in line for line in now))
    kinds = [part.snapshot.sub_service for part in plan.parts.select_related("snapshot")]
    assert len(kinds) == len(point_of(snapshot.run).snapshots)
    assert bool(plan.notes) == (mode == "replace"), "what overwriting costs an event is said before"
    done = office.work(undo_start(plan=plan))
    named = JobItem.objects.filter(job=done).exclude(outcome="done").values_list("label", "message")
    assert (done.state, list(named)) == ("succeeded", [])
    after = whole(office)
    assert (before - after, after - before) == (Counter(), Counter())


def lose(office: Office, snapshot: Snapshot) -> None:
    """Somebody deletes all of what was seeded that the newest backup holds."""
    with open_target(office.bob) as live:
        for part in point_of(snapshot.run).snapshots:
            if part.sub_service in SEEDS:
                for remote_id in ids_of(office, SubService(part.sub_service)):
                    live.do(live.items(part.sub_service).remove(remote_id))


def planned(office: Office, snapshot: Snapshot, mode: str = "skip") -> int:
    """How many items a restore would make, of all kinds but mail."""
    selections_everything(point=point_of(snapshot.run))
    plan = plan_make(plan=plan_create(point=point_of(snapshot.run), target=office.bob, mode=mode))
    return plan.total("create")


def test_another_restore_knows_what_the_first_one_wrote(office: Office) -> None:
    """Microsoft gives events, tasks and notes new ids: neither a second restore nor a third doubles them."""
    seed(office)
    first = office.back_up()
    lose(office, first)
    lost = planned(office, first)
    assert lost == 3 * len(SEEDS)
    restore_all(office, first, "skip")
    once = whole(office)
    assert planned(office, first) == planned(office, first, "replace") == 0
    replaced = restore_all(office, first, "replace")
    assert whole(office) == once
    second = office.back_up()
    office.work(undo_start(plan=replaced))
    assert (whole(office), planned(office, first)) == (once, 0), "what an undo brought back is known too"
    lose(office, office.back_up())
    restore_all(office, second, "skip")
    assert (whole(office), planned(office, first)) == (once, 0), "a copy of a copy is known as well"
