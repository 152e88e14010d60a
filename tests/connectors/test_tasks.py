"""To Do tasks: read by changes, and written back with steps, links, files, rules and dates."""

import asyncio
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.connectors.base import Fetched, FetchProblem
from apps.connectors.documents import canonical, read_document
from apps.connectors.enums import SkipCause, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftWriter
from apps.connectors.microsoft.exchange import todo_write
from apps.connectors.microsoft.exchange.item_write import those_there
from apps.connectors.microsoft.exchange.todo_write import TaskWriter
from apps.connectors.writing import NewItem, WriteItem
from apps.core.errors import Unavailable
from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CONTRACT

from .reading import Reader, act
from .round_trip import carry, entity, truth
from .test_contacts import new_mailbox, words

KIND = SubService.TASKS
LARGE = 3_300_000
day = st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(
    lambda found: {"dateTime": f"{found}T00:00:00.0000000", "timeZone": "UTC"}
)
step = st.fixed_dictionaries({"displayName": words, "isChecked": st.booleans()})
link = st.fixed_dictionaries({"displayName": words, "webUrl": st.just("https://mill.example/1")})
rule = st.fixed_dictionaries(
    {
        "pattern": st.fixed_dictionaries(
            {"type": st.sampled_from(("daily", "weekly")), "interval": st.integers(1, 9)}
        ),
        "range": st.just({"type": "noEnd", "startDate": "2026-03-09"}),
    }
)
task = st.fixed_dictionaries(
    {"title": words, "dueDateTime": day},
    optional={
        "body": st.fixed_dictionaries({"contentType": st.just("text"), "content": words}),
        "status": st.sampled_from(("notStarted", "inProgress", "completed", "waitingOnOthers", "deferred")),
        "importance": st.sampled_from(("low", "normal", "high")),
        "startDateTime": day,
        "categories": st.lists(words, min_size=1, max_size=2, unique=True),
        "recurrence": rule,
        "linkedResources": st.lists(link, min_size=1, max_size=2),
        "isReminderOn": st.just(True),
        "reminderDateTime": day,
    },
)


def without_ids(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for each in items:
        for name in ("checklistItems", "linkedResources"):
            for child in each["document"].get(name, ()):
                del child["id"]
    return items


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tasks=st.lists(st.tuples(task, st.lists(step, max_size=3)), min_size=3, max_size=7))
def test_any_tasks_come_back_with_all_that_is_on_them(
    cloud: SandboxCloud, identity: AppIdentity, tasks: list[tuple[dict[str, Any], list[dict[str, Any]]]]
) -> None:
    source, target = new_mailbox(cloud), new_mailbox(cloud)
    base = f"/users/{source}/todo/lists"
    lists = [
        act(cloud, "GET", base)["value"][0]["id"],
        act(cloud, "POST", base, {"displayName": "Opening"})["id"],
    ]
    for number, (fields, steps) in enumerate(tasks):
        made = act(cloud, "POST", f"{base}/{lists[number % 2]}/tasks", fields)
        path = f"{base}/{lists[number % 2]}/tasks/{made['id']}"
        for each in steps:
            act(cloud, "POST", f"{path}/checklistItems", each)
        if number % 3 == 0:
            file = {
                "@odata.type": "#microsoft.graph.taskFileAttachment",
                "name": "a.txt",
                "contentBytes": "aGk=",
            }
            act(cloud, "POST", f"{path}/attachments", {**file, "contentType": "text/plain"})

    async def restore() -> tuple[dict[str, NewItem], list[str]]:
        return await carry(identity, await Reader(identity, source, KIND).read(), target)

    made, faults = asyncio.run(restore())
    assert faults == [] and all(each.not_possible == () for each in made.values())
    assert without_ids(truth(cloud, target, KIND)) == without_ids(truth(cloud, source, KIND))
    assert {each["created"] for each in cloud.export(target)["tasks"]["items"]} <= {
        each["created"] for each in cloud.export(source)["tasks"]["items"]
    }
    if CONTRACT.exists():
        assert cloud.contract_violations() == []


async def test_rounds_tell_what_changed_among_tasks(cloud: SandboxCloud, identity: AppIdentity) -> None:
    box = new_mailbox(cloud)
    base = f"/users/{box}/todo/lists"
    first = act(cloud, "GET", base)["value"][0]["id"]
    other = act(cloud, "POST", base, {"displayName": "Shop"})["id"]
    ids = [act(cloud, "POST", f"{base}/{first}/tasks", {"title": f"T{n}"})["id"] for n in range(3)]
    act(cloud, "POST", f"{base}/{other}/tasks", {"title": "Elsewhere"})
    reader = await Reader(identity, box, KIND).read()
    assert sorted(each.name for each in reader.mails.values()) == ["Elsewhere", "T0", "T1", "T2"]
    assert [(each.name, each.well_known) for each in reader.folders.values()] == [
        ("Tasks", "tasks"),
        ("Shop", ""),
    ]
    assert reader.counts == {first: 3, other: 1}
    for text, done in (("one", True), ("two", False)):
        step_ = {"displayName": text, "isChecked": done}
        act(cloud, "POST", f"{base}/{first}/tasks/{ids[0]}/checklistItems", step_)
    act(cloud, "DELETE", f"{base}/{first}/tasks/{ids[1]}")
    act(cloud, "DELETE", f"{base}/{other}")
    before = reader.mails[f"{first}/{ids[0]}"].etag
    await reader.read()
    assert set(reader.mails) == {f"{first}/{ids[0]}", f"{first}/{ids[2]}"} and len(reader.folders) == 1
    changed = reader.mails[f"{first}/{ids[0]}"]
    assert changed.etag != before and read_document(changed.props)["checklist"] == "1 of 2"
    assert [each.remote_id for each in reader.named if not each.is_folder] == [changed.remote_id]
    cloud.add_fault("error", path=f"{ids[0]}$", status=500, count=3)
    gone = f"{first}/{ids[1]}"
    found = await reader.fetch(changed.remote_id, gone)
    assert isinstance(found[changed.remote_id], Fetched)
    problem = found[gone]
    assert isinstance(problem, FetchProblem) and problem.skip == SkipCause.GONE


async def test_an_edit_of_a_checklist_shows_though_the_task_itself_does_not_move(
    cloud: SandboxCloud, identity: AppIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = new_mailbox(cloud)

    async def unmoved(*arguments: Any, **named: Any) -> dict[str, dict[str, Any]]:
        there = await those_there(*arguments, **named)
        return {key: {**each, "@odata.etag": "same"} for key, each in there.items()}

    monkeypatch.setattr(todo_write, "those_there", unmoved)
    document = canonical({"title": "T", "checklistItems": [{"displayName": "step", "isChecked": False}]})
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(box), KIND)
        folder = (await writer.folders())[0].remote_id
        item = WriteItem("k", folder, document, b"{}", "T")
        new = (await writer.write(item)).remote_id

        async def state(compared: WriteItem | None = None) -> str:
            return (await writer.read_back({new: compared}))[new].state

        written = await state(item)
        assert written == await state()
        path = f"/users/{box}/todo/lists/{folder}/tasks/{new.split('/')[1]}"
        step_ = act(cloud, "GET", f"{path}/checklistItems")["value"][0]["id"]
        act(cloud, "PATCH", f"{path}/checklistItems/{step_}", {"isChecked": True})
        ticked = await state()
        small = {"@odata.type": "#microsoft.graph.taskFileAttachment", "name": "a", "contentBytes": "YQ=="}
        act(cloud, "POST", f"{path}/attachments", small)
        assert len({written, ticked, await state()}) == 3


async def test_a_file_of_a_task_whose_last_answer_is_lost_is_attached_once(
    cloud: SandboxCloud, identity: AppIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, put, lost = new_mailbox(cloud), TaskWriter._put_ranges, [Unavailable("The connection broke.")]

    async def put_and_lose_the_answer(self: TaskWriter, url: str, content: bytes) -> None:
        await put(self, url, content)
        if lost:
            raise lost.pop()

    monkeypatch.setattr(TaskWriter, "_put_ranges", put_and_lose_the_answer)
    document = {"title": "Once", "attachments": [{"name": "a.bin", "part": 0}]}
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(box), KIND)
        folder = (await writer.folders())[0].remote_id
        item = WriteItem("k-1", folder, canonical(document), b"{}", "Once", (bytes(LARGE),))
        new = await writer.write(item)
        assert (await writer.read_back({new.remote_id: item}))[new.remote_id].faults == ()


@pytest.mark.parametrize("size", [10, LARGE])
async def test_a_task_is_written_once_whatever_happens_on_the_way(
    cloud: SandboxCloud, identity: AppIdentity, size: int
) -> None:
    box = new_mailbox(cloud)
    document = {
        "title": "Once",
        "importance": "normal",
        "checklistItems": [{"displayName": "step", "isChecked": True}],
        "hasAttachments": True,
        "attachments": [{"name": "a.bin", "part": 0}, {"name": "lost.bin", "unreadable": "malwareDetected"}],
        "recurrence": {"pattern": {"type": "daily", "interval": 1}, "range": {"type": "noEnd"}},
    }
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(box), KIND)
        folder = (await writer.folders())[0].remote_id
        item = WriteItem("k-1", folder, canonical(document), b"{}", "Once", (bytes(size),), ("Restored today",))
        cloud.add_fault("reset", method="POST", path="/tasks$", when="mid")
        cloud.add_fault("error", path="(/attachments|/content)$", status=404, code="ErrorItemNotFound")
        new = await writer.write(item)
        assert len(new.not_possible) == 2 and "lost.bin" in new.not_possible[1]
        (there,) = cloud.export(box)["tasks"]["items"]
        assert there["extensions"] == {"com.everkeep.restore": {"key": "k-1"}}
        assert [each["name"] for each in there["files"]] == ["a.bin"]
        assert there["document"]["categories"] == ["Restored today"]
        assert await writer.find_existing(folder, [(new.remote_id, b"{}"), ("x/y", b"{}")]) == {
            new.remote_id: new.remote_id
        }
        assert (await writer.read_back({new.remote_id: item}))[new.remote_id].faults == ()
        act(cloud, "PATCH", f"/users/{box}/todo/lists/{folder}/tasks/{new.remote_id.split('/')[1]}",
            {"title": "Changed", "importance": "high"})  # fmt: skip
        written = (await writer.read_back({new.remote_id: item}))[new.remote_id]
        assert written.faults == ("Title", "Importance") and written.folder_id == folder
        assert await writer.remove_folder(await writer.ensure_folder(None, "Empty")) is True
        await writer.remove(new.remote_id)
        await writer.remove(new.remote_id)
        assert await writer.read_back({new.remote_id: None}) == {}
