"""Events come back as they were, series with every date and file, and nobody hears of it."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.connectors.base import EntityRef, Fetched
from apps.connectors.documents import canonical
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftWriter
from apps.connectors.writing import ItemWriter, NewItem, WriteItem
from apps.core.errors import Forbidden, InvalidRequest
from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CONTRACT

from .reading import Reader, act

BOB, TARGET = "bob.smith@pizza-perfecto.example", "restored@pizza-perfecto.example"
SET_BY_MICROSOFT = {"iCalUId", "createdDateTime", "lastModifiedDateTime", "organizer", "isOrganizer"}
PEOPLE = {"attendees", "responseStatus", "isOnlineMeeting", "onlineMeeting", "onlineMeetingProvider"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ZONES = ("UTC", "W. Europe Standard Time", "Pacific Standard Time", "India Standard Time", "Europe/Vilnius")
GUEST = {"emailAddress": {"name": "Ann", "address": "ann@guest.example"}, "type": "optional"}


@pytest.fixture
async def writer(cloud: SandboxCloud, identity: AppIdentity) -> AsyncIterator[ItemWriter]:
    cloud.reset(users=3, messages=20)
    cloud.add_user(TARGET, displayName="Empty")
    async with MicrosoftWriter(identity) as opened:
        yield opened.items(EntityRef(TARGET, EntityKind.USER_MAILBOX, TARGET), SubService.CALENDARS)


def calendars_of(identity: AppIdentity, address: str) -> Reader:
    return Reader(identity, address, SubService.CALENDARS)


async def contents(reader: Reader) -> dict[str, Fetched]:
    found = (await reader.read()) and await reader.fetch()
    assert all(isinstance(each, Fetched) for each in found.values())
    return {key: each for key, each in found.items() if isinstance(each, Fetched)}


def comparable(answer: Fetched, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """What must come back: all but what Microsoft sets itself, and people, who are written into the text."""
    document = dict(json.loads(answer.content)) if found is None else dict(found)
    dropped = SET_BY_MICROSOFT | PEOPLE | ({"body"} if document.get("attendees") else set())
    kept = {key: value for key, value in document.items() if key not in dropped}
    kept["cancelledOccurrences"] = sorted(each[-10:] for each in kept.get("cancelledOccurrences", []))
    kept["exceptionOccurrences"] = [comparable(answer, each) for each in kept.get("exceptionOccurrences", [])]
    kept["attachments"] = sorted(
        (each["name"], each.get("contentType"), answer.attachments[each["part"]])
        for each in kept.get("attachments", [])
    )
    return kept


def differences(wanted: Any, got: Any, where: str = "") -> list[str]:
    """Name every place where two documents differ; a text that people were written into is left out."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        names = sorted((wanted.keys() | got.keys()) - ({"body"} if "body" not in wanted else set()))
        return [
            each for name in names for each in differences(wanted.get(name), got.get(name), f"{where}/{name}")
        ]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        pairs = enumerate(zip(wanted, got, strict=True))
        return [each for number, pair in pairs for each in differences(*pair, f"{where}/{number}")]
    return [] if wanted == got else [f"{where}: {wanted!r} != {got!r}"]


async def write_all(
    writer: ItemWriter, source: Reader, found: dict[str, Fetched], folder: str
) -> dict[str, tuple[str, WriteItem, NewItem]]:
    written = {}
    for key, answer in found.items():
        item = WriteItem(key, folder, answer.content, source.mails[key].props, attachments=answer.attachments)
        new = await writer.write(item)
        written[key] = (new.remote_id, item, new)
    return written


async def test_a_calendar_written_to_an_empty_mailbox_is_the_same_and_nobody_is_told(
    cloud: SandboxCloud, identity: AppIdentity, writer: ItemWriter
) -> None:
    source, target = calendars_of(identity, BOB), calendars_of(identity, TARGET)
    found = await contents(source)
    folder = await writer.ensure_folder(None, "Restored")
    written = await write_all(writer, source, found, folder)
    there = await contents(target)
    for key, (new_id, item, _) in written.items():
        assert differences(comparable(found[key]), comparable(there[new_id])) == []
        assert (await writer.read_back({new_id: item}))[new_id].faults == ()
    assert await writer.find_restored(folder, list(written)) == {key: one[0] for key, one in written.items()}
    assert cloud.notices() == []
    assert not CONTRACT.exists() or cloud.contract_violations() == []
    (talk,) = (one for key, one in written.items() if source.mails[key].name == "Budget talk")
    text = json.loads(there[talk[0]].content)["body"]["content"]
    assert "Organizer: Bob Smith" in text
    assert "(tentatively accepted)" in text
    assert any("Attendees are named in the text" in each for each in talk[2].not_possible)
    assert any("online meeting" in each for each in talk[2].not_possible)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An event as a program would post it, with which of its dates to change and to cancel."""
    zone, all_day = draw(st.sampled_from(ZONES)), draw(st.booleans())
    day = draw(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
    start = datetime.fromisoformat(f"{day}T00:00:00")
    if not all_day:
        start += timedelta(minutes=draw(st.integers(0, 23 * 60)))
    length = (
        timedelta(days=draw(st.integers(1, 3))) if all_day else timedelta(minutes=draw(st.integers(0, 300)))
    )
    event: dict[str, Any] = {
        "subject": draw(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)),
        "isAllDay": all_day,
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": (start + length).isoformat(), "timeZone": zone},
        "importance": draw(st.sampled_from(["low", "normal", "high"])),
        "sensitivity": draw(st.sampled_from(["normal", "personal", "private", "confidential"])),
        "showAs": draw(st.sampled_from(["free", "tentative", "busy", "oof", "workingElsewhere"])),
        "isReminderOn": draw(st.booleans()),
        "reminderMinutesBeforeStart": draw(st.integers(0, 1000)),
        "categories": draw(st.lists(st.sampled_from(["Red", "Blue", "Žalia"]), unique=True)),
        "locations": [{"displayName": name} for name in draw(st.sampled_from([[], ["Here"], ["A", "B"]]))],
        "body": draw(
            st.sampled_from(
                [
                    {"contentType": "html", "content": "<html><body><p>R&amp;D</p></body></html>"},
                    {"contentType": "text", "content": "line one\nline two"},
                ]
            )
        ),
        "attendees": draw(st.sampled_from([[], [], [GUEST]])),
    }
    pattern = draw(
        st.sampled_from(
            [
                None,
                {"type": "daily", "interval": 3},
                {
                    "type": "weekly",
                    "interval": 1,
                    "daysOfWeek": [DAYS[day.weekday()]],
                    "firstDayOfWeek": "monday",
                },
                {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": day.day},
                {"type": "absoluteYearly", "interval": 1, "dayOfMonth": day.day, "month": day.month},
            ]
        )
    )
    if pattern and length < timedelta(hours=20):
        span = {"type": "numbered", "numberOfOccurrences": 6, "startDate": day.isoformat()}
        event["recurrence"] = {"pattern": pattern, "range": span}
    return {
        "event": event,
        "changed": draw(st.lists(st.integers(0, 2), max_size=2, unique=True)),
        "cancelled": draw(st.lists(st.integers(3, 4), max_size=1)),
        "file": draw(st.binary(max_size=50)),
    }


def post(cloud: SandboxCloud, calendar: str, plan: dict[str, Any]) -> None:
    made = act(cloud, "POST", f"/users/{BOB}/calendars/{calendar}/events", plan["event"])
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "file.bin",
        "contentType": "application/x-plan",
        "contentBytes": base64.b64encode(plan["file"]).decode(),
    }
    if plan["file"]:
        act(cloud, "POST", f"/users/{BOB}/events/{made['id']}/attachments", file)
    if "recurrence" not in plan["event"]:
        return
    window = "startDateTime=2025-12-30T00:00:00Z&endDateTime=2030-01-01T00:00:00Z"
    dates = act(cloud, "GET", f"/users/{BOB}/events/{made['id']}/instances?{window}&$top=50")["value"]
    for number in plan["changed"]:
        later = {
            name: {
                "dateTime": (
                    datetime.fromisoformat(dates[number][name]["dateTime"][:19]) + timedelta(minutes=30)
                ).isoformat(),
                "timeZone": "UTC",
            }
            for name in ("start", "end")
        }
        change = {"subject": f"date {number}"} | ({} if plan["event"]["isAllDay"] else later)
        act(cloud, "PATCH", f"/users/{BOB}/events/{dates[number]['id']}", change)
    for number in plan["cancelled"]:
        if number < len(dates):
            act(cloud, "DELETE", f"/users/{BOB}/events/{dates[number]['id']}")


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],  # each example writes and reads over HTTP: no time for making it smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plans=st.lists(events(), min_size=3, max_size=5))
async def test_whatever_an_event_is_it_comes_back(
    cloud: SandboxCloud, identity: AppIdentity, writer: ItemWriter, plans: list[dict[str, Any]]
) -> None:
    calendar = act(cloud, "POST", f"/users/{BOB}/calendars", {"name": f"c{len(plans)}-{id(plans)}"})["id"]
    for plan in plans:
        post(cloud, calendar, plan)
    source, target = calendars_of(identity, BOB), calendars_of(identity, TARGET)
    found = await contents(source)
    found = {key: each for key, each in found.items() if source.mails[key].parent_id == calendar}
    written = await write_all(writer, source, found, await writer.ensure_folder(None, "Restored"))
    there = await contents(target)
    for key, (new_id, item, _) in written.items():
        assert differences(comparable(found[key]), comparable(there[new_id])) == []
        assert (await writer.read_back({new_id: item}))[new_id].faults == ()
    assert [each for each in cloud.notices() if each["mailbox"] == TARGET] == []
    assert not CONTRACT.exists() or cloud.contract_violations() == []
    act(cloud, "DELETE", f"/users/{BOB}/calendars/{calendar}")


PLAIN = {
    "subject": "Plain",
    "type": "singleInstance",
    "start": {"dateTime": "2026-03-13T09:30:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-13T10:00:00.0000000", "timeZone": "UTC"},
    "originalStartTimeZone": "UTC",
    "body": {"contentType": "text", "content": "text"},
}


def item(folder: str, *files: bytes, key: str = "key", **fields: Any) -> WriteItem:
    entries = [
        {"@odata.type": "#microsoft.graph.fileAttachment", "name": f"f{number}.bin", "part": number}
        for number in range(len(files))
    ]
    return WriteItem(
        key, folder, canonical({**PLAIN, "attachments": entries, **fields}), b"{}", attachments=files
    )


async def test_an_event_is_found_again_by_its_key_its_id_or_its_uid(
    cloud: SandboxCloud, identity: AppIdentity, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    other = await writer.ensure_folder(None, "Other")
    new = (await writer.write(item(folder))).remote_id
    target = await calendars_of(identity, TARGET).read()
    props = target.mails[new].props
    assert await writer.find_restored(folder, ["key", "none"]) == {"key": new}
    assert await writer.find_existing(folder, [(new, props), ("gone", props)]) == {new: new, "gone": new}
    assert await writer.find_existing(other, [(new, props)]) == {}


async def test_large_files_and_a_lost_answer_make_one_whole_event(
    cloud: SandboxCloud, identity: AppIdentity, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("reset", method="POST", path=f"calendars/{folder}/events", when="mid")
    files = (b"a" * 3_500_000, b"b" * 10)
    new = (await writer.write(item(folder, *files))).remote_id
    there = await contents(calendars_of(identity, TARGET))
    assert set(there) == {new}
    assert sorted(there[new].attachments) == sorted(files)


async def test_an_event_whose_file_failed_is_not_taken_for_restored(
    cloud: SandboxCloud, identity: AppIdentity, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("error", path="/attachments", count=None, status=403, code="ErrorAccessDenied")
    cloud.add_fault("error", method="DELETE", path="/events/", count=None, status=403, code="ErrorAccessDenied")
    with pytest.raises(Forbidden):
        await writer.write(item(folder, b"x"))
    cloud.clear_faults()
    assert await writer.find_restored(folder, ["key"]) == {}
    new = (await writer.write(item(folder, b"x"))).remote_id
    assert set(await contents(calendars_of(identity, TARGET))) == {new}


async def test_a_meeting_with_guests_is_not_deleted_behind_their_back(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    times = {name: PLAIN[name] for name in ("subject", "start", "end")}
    path = f"/users/{TARGET}/calendars/{folder}/events"
    meeting = act(cloud, "POST", path, {**times, "attendees": [GUEST]})["id"]
    with pytest.raises(InvalidRequest):
        await writer.remove(meeting)
    assert not await writer.remove_folder(folder)
    assert [each["kind"] for each in cloud.notices()] == ["invitation"]
    alone = (await writer.write(item(folder))).remote_id
    await writer.remove(alone)
    await writer.remove(alone)
    assert await writer.read_back({alone: None}) == {}


async def test_calendars_are_found_by_name_and_named_after_both_when_they_would_nest(
    writer: ItemWriter,
) -> None:
    default = next(each for each in await writer.folders() if each.well_known == "calendar")
    assert await writer.ensure_folder(None, "CALENDAR") == default.remote_id
    root = await writer.ensure_folder(None, "Restored 2026")
    below = await writer.ensure_folder(root, "Shops")
    assert await writer.ensure_folder(root, "Shops") == below
    assert {each.name for each in await writer.folders()} == {
        "Calendar",
        "Restored 2026",
        "Restored 2026 - Shops",
    }
    assert await writer.remove_folder(below)
    assert await writer.remove_folder(below)


async def test_what_cannot_come_back_is_said_and_what_differs_is_found(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    entries = [
        {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "Plan"},
        {"@odata.type": "#microsoft.graph.itemAttachment", "name": "Old mail", "part": 0},
    ]
    wanted = item(
        folder, b"Subject: old\r\n\r\ntext", attachments=entries, originalStartTimeZone="tzone://x/Custom"
    )
    new = await writer.write(wanted)
    said = " ".join(new.not_possible)
    for words in ("link to Plan", "Old mail is attached as a file", "time zone tzone://x/Custom"):
        assert words in said
    assert (await writer.read_back({new.remote_id: wanted}))[new.remote_id].faults == ()
    change = {"subject": "Other", "location": {"displayName": "Elsewhere"}}
    act(cloud, "PATCH", f"/users/{TARGET}/events/{new.remote_id}", change)
    after = (await writer.read_back({new.remote_id: wanted}))[new.remote_id]
    assert after.faults == ("Subject", "Place")
    assert after.name == "Other"
