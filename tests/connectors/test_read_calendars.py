"""Calendars are read whole: every own calendar, each series with its dates and files, then what changes."""

import base64
import json
from typing import Any

import pytest

from apps.connectors.base import Fetched, FetchProblem
from apps.connectors.enums import SkipCause, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.exchange.event_changes import LISTED_ANEW_AFTER
from apps.core.errors import Forbidden
from apps.sandbox.testing import SandboxCloud

from .reading import Reader, act

BOB = "bob.smith@pizza-perfecto.example"
WINDOW = "startDateTime=2025-11-01T00:00:00Z&endDateTime=2026-11-01T00:00:00Z"
TEXT_FILE = {
    "@odata.type": "#microsoft.graph.fileAttachment",
    "name": "note.txt",
    "contentBytes": base64.b64encode(b"note").decode(),
}


@pytest.fixture
def bob(cloud: SandboxCloud, identity: AppIdentity) -> Reader:
    cloud.reset(users=4, messages=40)
    return Reader(identity, BOB, SubService.CALENDARS)


def document(answer: Fetched | FetchProblem) -> dict[str, Any]:
    assert isinstance(answer, Fetched)
    return dict(json.loads(answer.content))


def check(bob: Reader, cloud: SandboxCloud) -> None:
    """What is known is what is there."""
    truth = cloud.export(BOB)["events"]["items"]
    assert {key: bob.folders[event.parent_id or ""].name for key, event in bob.mails.items()} == {
        each["id"]: each["folder"] for each in truth
    }


def named(bob: Reader, subject: str) -> str:
    (found,) = (key for key, event in bob.mails.items() if event.name == subject)
    return found


async def test_own_calendars_of_every_group_are_read_and_shared_ones_are_not(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    assert sorted(folder.name for folder in bob.folders.values()) == ["Calendar", "Shop dates"]
    groups = {folder.name: json.loads(folder.props)["group"] for folder in bob.folders.values()}
    assert groups == {"Calendar": "My Calendars", "Shop dates": "Shops"}
    check(bob, cloud)
    by_name = {folder.name: folder.remote_id for folder in bob.folders.values()}
    assert bob.counts[by_name["Shop dates"]] == 1
    rent = bob.mails[named(bob, "Pay the rent")]
    props = json.loads(rent.props)
    assert props["recurrence"] == "Every month on day 31, 24 times"
    assert props["timeZone"] == "GMT Standard Time"
    assert rent.time is not None
    assert props["start"] == rent.time.strftime("%Y-%m-%dT%H:%M:%SZ") == "2026-01-31T08:30:00Z"


async def test_a_series_is_one_document_with_its_changed_dates_and_their_files(bob: Reader) -> None:
    await bob.read()
    weekly = named(bob, "Weekly round")
    answer = (await bob.fetch(weekly))[weekly]
    found = document(answer)
    assert len(found["cancelledOccurrences"]) == 1
    moved, renamed = sorted(found["exceptionOccurrences"], key=lambda each: str(each["subject"]))
    assert moved["originalStart"][:10] != moved["start"]["dateTime"][:10]
    assert renamed["subject"] == "Weekly round: prices"
    (file,) = renamed["attachments"]
    assert isinstance(answer, Fetched)
    assert answer.attachments[file["part"]] == b"cheese;9.90\n"
    assert "changeKey" not in answer.content.decode()
    again = (await bob.fetch(weekly))[weekly]
    assert again == answer


async def test_changed_dates_are_found_also_where_the_series_does_not_tell_them(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    weekly = named(bob, "Weekly round")
    told = document((await bob.fetch(weekly))[weekly])["exceptionOccurrences"]
    cloud.switch(hide_changed_dates=True)
    found = document((await bob.fetch(weekly))[weekly])["exceptionOccurrences"]
    essential = ("originalStart", "subject", "start", "end", "location", "attachments")
    assert [[each.get(name) for name in essential] for each in found] == [
        [each.get(name) for name in essential] for each in told
    ]


async def test_a_round_without_changes_names_nothing_and_later_ones_only_what_changed(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    await bob.read()
    assert [each.name for each in bob.named if not each.is_folder] == []
    for _ in range(4):
        cloud.advance(days=1)
        await bob.read()
        check(bob, cloud)
    assert bob.listed == []


async def test_a_changed_date_or_a_new_file_changes_the_etag_of_the_series(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    weekly = named(bob, "Weekly round")
    before = bob.mails[weekly].etag
    instances = act(cloud, "GET", f"/users/{BOB}/events/{weekly}/instances?{WINDOW}")["value"]
    usual = next(each for each in instances if each["type"] == "occurrence")
    act(cloud, "PATCH", f"/users/{BOB}/events/{usual['id']}", {"subject": "Changed"})
    await bob.read()
    between = bob.mails[weekly].etag
    act(cloud, "POST", f"/users/{BOB}/events/{weekly}/attachments", TEXT_FILE)
    await bob.read()
    assert len({before, between, bob.mails[weekly].etag}) == 3
    assert document((await bob.fetch(weekly))[weekly])["attachments"][0]["name"] == "note.txt"


@pytest.mark.parametrize(
    "trouble",
    [
        {"path": "events/delta", "count": None, "status": 503},
        {"path": "events/delta", "count": 6, "status": 500},
        {"path": "events/delta", "count": None, "status": 400, "code": "ErrorInvalidRequest"},
    ],
    ids=["never", "large pages", "refused"],
)
async def test_without_a_list_of_changes_calendars_are_listed_in_full(
    cloud: SandboxCloud, bob: Reader, trouble: dict[str, Any]
) -> None:
    fault = cloud.add_fault("error", **trouble)
    await bob.read()
    check(bob, cloud)
    assert cloud.reached(fault)
    assert len(bob.listed) == 2
    cloud.advance(days=2)
    await bob.read()
    check(bob, cloud)
    cloud.clear_faults()
    cloud.advance(days=2)
    await bob.read()
    check(bob, cloud)


async def test_a_calendar_is_listed_in_full_from_time_to_time(cloud: SandboxCloud, bob: Reader) -> None:
    await bob.read()
    assert bob.cursor is not None
    bob.cursor["listed"] = {key: time - LISTED_ANEW_AFTER for key, time in bob.cursor["listed"].items()}
    await bob.read()
    assert len(bob.listed) == 2
    await bob.read()
    assert bob.listed == []
    check(bob, cloud)


async def test_a_forgotten_link_and_a_full_mailbox_lose_nothing(cloud: SandboxCloud, bob: Reader) -> None:
    await bob.read()
    cloud.set_mailbox(BOB, forget_sync_state=True)
    cloud.advance(days=2)
    await bob.read()
    check(bob, cloud)
    assert len(bob.listed) == 2
    cloud.set_mailbox(BOB, over_quota=True)
    cloud.advance(days=2)
    await bob.read()
    check(bob, cloud)


async def test_a_calendar_that_went_is_told_and_one_that_fails_keeps_what_is_known(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    shops = next(key for key, folder in bob.folders.items() if folder.name == "Shop dates")
    cloud.add_fault("error", path=f"calendars/{shops}/events", count=None, status=403, code="ErrorAccessDenied")
    cloud.advance(days=1)
    await bob.read()
    assert [each.folder_id for each in bob.failed] == [shops]
    check(bob, cloud)
    cloud.clear_faults()
    act(cloud, "DELETE", f"/users/{BOB}/calendars/{shops}")
    await bob.read()
    assert shops not in bob.folders
    check(bob, cloud)


async def test_a_calendar_that_says_404_though_it_is_listed_fails_and_keeps_its_events(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    known, calendar = set(bob.mails), bob.mails[named(bob, "Budget talk")].parent_id
    fault = cloud.add_fault(
        "error", path=f"calendars/{calendar}", count=None, status=404, code="ErrorItemNotFound"
    )
    await bob.read()
    assert cloud.reached(fault)
    assert [each.folder_id for each in bob.failed] == [calendar]
    assert set(bob.mails) == known
    cloud.clear_faults()
    await bob.read()
    check(bob, cloud)


async def test_without_the_permission_the_round_fails_as_a_whole(cloud: SandboxCloud, bob: Reader) -> None:
    cloud.add_fault("error", path="/events", count=None, status=403, code="ErrorAccessDenied")
    with pytest.raises(Forbidden):
        await bob.read()


async def test_an_event_that_microsoft_never_hands_out_fails_alone(cloud: SandboxCloud, bob: Reader) -> None:
    await bob.read()
    weekly = named(bob, "Weekly round")
    cloud.add_fault("error", path=f"events/{weekly}", count=None, status=503)
    answers = await bob.fetch()
    failed = {key for key, answer in answers.items() if isinstance(answer, FetchProblem)}
    assert failed == {weekly}


async def test_an_attached_item_without_content_is_named_and_asked_for_again_by_the_next_run(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    talk = named(bob, "Budget talk")
    item = {"@odata.type": "#microsoft.graph.message", "subject": "Old mail"}
    file = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "Old mail", "item": item}
    act(cloud, "POST", f"/users/{bob.mailbox}/events/{talk}/attachments", file)
    fault = cloud.add_fault("error", path=r"attachments/.*/\$value", count=None, status=200, raw="")
    answer = (await bob.fetch(talk))[talk]
    assert cloud.reached(fault)
    assert isinstance(answer, Fetched) and all(answer.attachments)
    (missing,) = answer.missing
    assert missing.skip is None and "Old mail" in missing.what
    cloud.clear_faults()
    cloud.add_fault("error", path=r"attachments/.*/\$value", count=None, status=200, raw="Subject: Old mail")
    answer = (await bob.fetch(talk))[talk]
    assert isinstance(answer, Fetched) and answer.attachments[-1] == b"Subject: Old mail"


async def test_a_file_that_cannot_be_opened_is_named_and_the_event_is_kept(
    cloud: SandboxCloud, bob: Reader
) -> None:
    await bob.read()
    talk = named(bob, "Budget talk")
    cloud.add_fault(
        "error", path="attachments/[^?]+", count=None, status=400, code="ErrorCannotOpenFileAttachment"
    )
    answer = (await bob.fetch(talk))[talk]
    assert isinstance(answer, Fetched)
    (missing,) = answer.missing
    assert "Agenda.pdf" in missing.what
    assert missing.skip == SkipCause.CORRUPT
    (file,) = document(answer)["attachments"]
    assert file["name"] == "Agenda.pdf"
    assert file["unreadable"] == "ErrorCannotOpenFileAttachment"
    assert "part" not in file
