"""Rounds of changes bring what is known of a mailbox to what is in it, whatever Graph does meanwhile."""

import pytest

from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.exchange import mail_changes
from apps.sandbox.testing import SandboxCloud

from .reading import Reader, act

BOB = "bob.smith@pizza-perfecto.example"
MIME = (
    b"Subject: %s\r\nFrom: a@x.example\r\nTo: b@x.example\r\nDate: Mon, 2 Mar 2026 08:00:00 +0000\r\n\r\ntext"
)

FIXED_CALLS = 2
"""Changes of folders with the first hidden ones, and the folders inside Sync Issues."""


@pytest.fixture
def reader(cloud: SandboxCloud, identity: AppIdentity) -> Reader:
    cloud.reset(users=4, messages=300)
    return Reader(identity, BOB)


def user(path: str) -> str:
    return f"/users/{BOB}{path}"


def one_of(reader: Reader, folder: str) -> str:
    folder_id = reader.folder(folder).remote_id
    return next(key for key, mail in reader.mails.items() if mail.parent_id == folder_id)


async def test_the_first_round_lists_everything_in_its_folder(cloud: SandboxCloud, reader: Reader) -> None:
    truth = (await reader.read()).check(cloud)
    assert len(truth) > 10
    assert {folder.folder_id for folder in reader.listed} == set(reader.folders)
    inbox = reader.folder("Inbox")
    assert inbox.well_known == "inbox"
    assert reader.counts[inbox.remote_id] == len(reader.subjects("Inbox"))
    mail = next(mail for mail in reader.mails.values() if mail.author)
    assert mail.time is not None
    assert "@" in mail.author


async def test_a_round_without_changes_names_nothing_and_costs_three_requests(
    cloud: SandboxCloud, reader: Reader
) -> None:
    await reader.read()
    await reader.read()
    assert reader.named == []
    assert reader.listed == []
    assert reader.calls == FIXED_CALLS + 1 == 3


async def test_fifty_more_folders_cost_three_more_requests(cloud: SandboxCloud, reader: Reader) -> None:
    for number in range(50):
        act(cloud, "POST", user("/mailFolders"), {"displayName": f"Folder {number}"})
    await reader.read()
    await reader.read()
    assert 60 < len(reader.folders) <= 80
    assert reader.calls == FIXED_CALLS + 4


async def test_days_of_work_are_followed_change_by_change(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    for _ in range(5):
        cloud.advance(days=1)
        await reader.read()
        reader.check(cloud)
    assert reader.listed == []


async def test_a_moved_message_keeps_its_id_and_is_in_its_new_folder_only(
    cloud: SandboxCloud, reader: Reader
) -> None:
    await reader.read()
    mail = one_of(reader, "Inbox")
    act(cloud, "POST", user(f"/messages/{mail}/move"), {"destinationId": reader.folder("Archive").remote_id})
    await reader.read()
    assert reader.mails[mail].parent_id == reader.folder("Archive").remote_id
    reader.check(cloud)


async def test_a_deleted_message_is_gone(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    mail = one_of(reader, "Inbox")
    act(cloud, "DELETE", user(f"/messages/{mail}"))
    await reader.read()
    reader.check(cloud)


async def test_a_renamed_and_moved_folder_takes_its_mail_with_it(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    folder = reader.folder("Staff").remote_id
    act(cloud, "PATCH", user(f"/mailFolders/{folder}"), {"displayName": "Vendors"})
    act(cloud, "POST", user(f"/mailFolders/{folder}/move"), {"destinationId": "archive"})
    await reader.read()
    assert reader.path(folder) == "Archive/Vendors"
    reader.check(cloud)


async def test_a_deleted_folder_ends_what_was_in_it(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    folder = reader.folder("Staff").remote_id
    act(cloud, "POST", user(f"/mailFolders/{folder}/permanentDelete"))
    await reader.read()
    assert folder not in reader.folders
    reader.check(cloud)


async def test_a_new_folder_is_listed_in_full(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    new = act(cloud, "POST", user("/mailFolders"), {"displayName": "New"})["id"]
    act(cloud, "POST", user(f"/messages/{one_of(reader, 'Inbox')}/move"), {"destinationId": new})
    await reader.read()
    assert len(reader.subjects("New")) == 1
    reader.check(cloud)


async def test_mail_in_a_hidden_folder_is_not_forgotten(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    hidden = reader.folder("ExternalContacts")
    assert b"isHidden" in hidden.props
    act(cloud, "POST", user(f"/messages/{one_of(reader, 'Inbox')}/move"), {"destinationId": hidden.remote_id})
    await reader.read()
    assert len(reader.subjects("ExternalContacts")) == 1
    reader.check(cloud)


async def test_read_state_flags_and_categories_change_the_etag_and_are_kept(
    cloud: SandboxCloud, reader: Reader
) -> None:
    await reader.read()
    mail = one_of(reader, "Inbox")
    before = reader.mails[mail]
    changes = {"isRead": b"isRead" not in before.props, "categories": ["Red"], "importance": "high"}
    act(cloud, "PATCH", user(f"/messages/{mail}"), changes | {"flag": {"flagStatus": "flagged"}})
    await reader.read()
    after = reader.mails[mail]
    assert after.etag != before.etag
    assert b'"categories":["Red"]' in after.props
    assert b'"flagStatus":"flagged"' in after.props
    assert [named.remote_id for named in reader.named] == [mail]


async def test_a_fragment_of_a_changed_message_is_completed(cloud: SandboxCloud, reader: Reader) -> None:
    cloud.switch(partial_read_changes=True)
    await reader.read()
    mail = one_of(reader, "Inbox")
    before = reader.mails[mail]
    act(cloud, "PATCH", user(f"/messages/{mail}"), {"isRead": b"isRead" not in before.props})
    await reader.read()
    after = reader.mails[mail]
    assert (after.name, after.author, after.parent_id) == (before.name, before.author, before.parent_id)
    assert (b'"isRead":true' in after.props) != (b'"isRead":true' in before.props)


async def test_a_changed_message_that_is_not_shown_just_now_is_not_passed_over(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    cloud.switch(partial_read_changes=True)
    await reader.read()
    mail = one_of(reader, "Inbox")
    before = reader.mails[mail]
    act(cloud, "PATCH", user(f"/messages/{mail}"), {"isRead": b"isRead" not in before.props})
    fault = cloud.add_fault("empty_404", path=rf"{mail}\?", count=None)
    await reader.read()
    assert cloud.reached(fault)
    assert [each.folder_id for each in reader.failed] == [before.parent_id]
    cloud.clear_faults()
    await reader.read()
    assert reader.failed == []
    assert reader.mails[mail].etag != before.etag


async def test_repeated_entries_and_empty_pages_change_nothing(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_changes, "PAGE_SIZES", (3, 2))
    cloud.switch(repeat_in_delta=True, empty_delta_pages=True)
    (await reader.read()).check(cloud)
    cloud.advance(days=2)
    (await reader.read()).check(cloud)


async def test_pages_are_asked_for_by_preference_and_never_by_top(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_changes, "PAGE_SIZES", (3, 2))
    (await reader.read()).check(cloud)
    asked = [each for each in cloud.requests(last=500)["requests"] if "messages/delta" in str(each)]
    assert len(asked) > len(reader.folders)
    assert not [each for each in asked if "$top" in str(each)]


async def test_names_in_another_language_are_known_by_their_well_known_names(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.add_user("hans@pizza-perfecto.example", language="de", displayName="Hans")
    reader = await Reader(identity, "hans@pizza-perfecto.example").read()
    assert reader.folder("Posteingang").well_known == "inbox"
    assert reader.folder("Gelöschte Elemente").well_known == "deleteditems"


async def test_the_first_round_brings_the_inbox_first_and_of_each_folder_the_newest_mail(
    cloud: SandboxCloud, reader: Reader
) -> None:
    await reader.read()
    inbox = reader.folder("Inbox").remote_id
    mails = [each for each in reader.named if not each.is_folder]
    times = [each.time for each in mails if each.parent_id == inbox and each.time]
    assert len(times) > 5 and times == sorted(times, reverse=True)
    assert mails[0].parent_id == inbox


async def test_where_no_order_can_be_asked_for_everything_is_listed_without_one(
    cloud: SandboxCloud, reader: Reader
) -> None:
    refused = cloud.add_fault(
        "error", path="messages/delta.*orderby", count=None, status=400, code="BadRequest"
    )
    (await reader.read()).check(cloud)
    assert cloud.reached(refused) and not reader.failed
