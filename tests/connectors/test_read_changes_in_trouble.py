"""Rounds of changes while Graph fails: dead links, folders that cannot be read, faults that pass."""

from collections.abc import AsyncIterator, Callable

import pytest

from apps.connectors.base import Change, ChangePage
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.exchange import mail_changes
from apps.connectors.microsoft.exchange.folder_changes import FolderRound
from apps.connectors.microsoft.exchange.mail_changes import Entry, MailRound
from apps.core.errors import ConsentLost, Forbidden, Gone, Unavailable
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


def after_the_folders(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Do something in the mailbox between a round's folders and its mail."""
    pages = FolderRound.pages

    async def followed(this: FolderRound) -> AsyncIterator[ChangePage]:
        async for page in pages(this):
            yield page
        then()

    monkeypatch.setattr(FolderRound, "pages", followed)


def one_of(reader: Reader, folder: str) -> str:
    folder_id = reader.folder(folder).remote_id
    return next(key for key, mail in reader.mails.items() if mail.parent_id == folder_id)


@pytest.mark.parametrize("code", ["SyncStateNotFound", "SyncStateInvalid", "ResyncRequired"])
async def test_a_refused_link_of_one_folder_lists_that_folder_again(
    cloud: SandboxCloud, reader: Reader, code: str
) -> None:
    await reader.read()
    inbox = reader.folder("Inbox").remote_id
    act(cloud, "DELETE", user(f"/messages/{one_of(reader, 'Inbox')}"))
    fault = cloud.add_fault("resync", path=f"mailFolders/{inbox}/messages/delta", count=2, code=code)
    await reader.read()
    assert cloud.reached(fault) == 2
    assert [each.folder_id for each in reader.listed] == [inbox]
    reader.check(cloud)
    await reader.read()
    assert reader.listed == []


async def test_when_all_links_are_dead_everything_is_listed_and_nothing_lost(
    cloud: SandboxCloud, reader: Reader
) -> None:
    await reader.read()
    cloud.advance(days=2)
    act(cloud, "POST", user(f"/mailFolders/{reader.folder('Staff').remote_id}/permanentDelete"))
    cloud.set_mailbox(BOB, forget_sync_state=True)
    await reader.read()
    assert len(reader.listed) == len(reader.folders)
    reader.check(cloud)


@pytest.mark.parametrize("name", ["msgfolderroot", "inbox"])
async def test_a_well_known_folder_that_does_not_answer_in_a_full_list_has_not_gone(
    cloud: SandboxCloud, reader: Reader, name: str
) -> None:
    await reader.read()
    known = {each.remote_id: each.well_known for each in reader.folders.values()}
    cloud.set_mailbox(BOB, forget_sync_state=True)
    fault = cloud.add_fault("error", path=rf"mailFolders/{name}\?", status=503, count=None)
    if name == "inbox":
        await reader.read()
    else:
        with pytest.raises(Unavailable):
            await reader.read()
    assert cloud.reached(fault)
    assert {each.remote_id: each.well_known for each in reader.folders.values()} == known
    cloud.clear_faults()
    (await reader.read()).check(cloud)
    assert {each.remote_id: each.well_known for each in reader.folders.values()} == known


async def test_a_link_lost_in_the_middle_of_a_list_starts_it_again(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_changes, "PAGE_SIZES", (2, 1))
    inbox_second_page = cloud.add_fault("resync", path=r"messages/delta.*skiptoken", nth=2)
    (await reader.read()).check(cloud)
    assert cloud.reached(inbox_second_page) == 1
    assert list(reader.cursor["mail"].values()).count(None) == 1, "listed once more, in case something left"
    (await reader.read()).check(cloud)
    assert len(reader.listed) == 1


async def test_a_link_lost_in_the_middle_of_changes_leaves_nothing_that_was_deleted_meanwhile(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.read()
    inbox = reader.folder("Inbox").remote_id
    monkeypatch.setattr(mail_changes, "KNOWN_PAGE_SIZE", 1)
    monkeypatch.setattr(mail_changes, "PAGE_SIZES", (1, 1))
    cloud.deliver(BOB, b"Subject: first\r\n\r\nhere")
    cloud.deliver(BOB, b"Subject: second\r\n\r\nhere")
    lost = cloud.add_fault("resync", path=rf"mailFolders/{inbox}/messages/delta.*skiptoken")
    await reader.read()
    assert cloud.reached(lost) == 1
    assert reader.cursor["mail"][inbox] is None, "listed once more, in case something left"
    await reader.read()
    assert [each.folder_id for each in reader.listed] == [inbox]
    reader.check(cloud)


async def test_a_mailbox_over_quota_is_listed_plainly_and_by_changes_again_later(
    cloud: SandboxCloud, reader: Reader
) -> None:
    cloud.set_mailbox(BOB, over_quota=True)
    (await reader.read()).check(cloud)
    cloud.advance(days=1)
    (await reader.read()).check(cloud)
    assert len(reader.listed) == len(reader.folders)
    cloud.set_mailbox(BOB, over_quota=False)
    (await reader.read()).check(cloud)
    cloud.advance(days=1)
    (await reader.read()).check(cloud)
    assert reader.listed == []


async def test_a_folder_that_vanishes_while_we_read_is_gone_and_no_failure(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.read()
    staff = reader.folder("Staff").remote_id
    with monkeypatch.context() as patched:
        after_the_folders(patched, lambda: act(cloud, "POST", user(f"/mailFolders/{staff}/permanentDelete")))
        await reader.read()
    assert staff not in reader.folders
    assert reader.failed == []
    (await reader.read()).check(cloud)


@pytest.mark.parametrize("request_of", ["{}", "{}/messages"])
@pytest.mark.parametrize("name", ["Staff", "Inbox", "Top of Information Store"])
async def test_a_folder_that_says_404_though_it_is_there_fails_and_keeps_its_mail(
    cloud: SandboxCloud, reader: Reader, name: str, request_of: str
) -> None:
    await reader.read()
    folder_id, known = reader.folder(name).remote_id, reader.subjects(name)
    path = request_of.format(folder_id)
    fault = cloud.add_fault("error", path=path, count=None, status=404, code="ErrorItemNotFound")
    await reader.read()
    assert cloud.reached(fault)
    assert [each.folder_id for each in reader.failed] == [folder_id]
    assert reader.subjects(name) == known
    cloud.clear_faults()
    await reader.read()
    assert reader.failed == []
    reader.check(cloud)


async def test_a_folder_whose_going_cannot_be_proved_just_now_fails_and_keeps_its_mail(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    await reader.read()
    staff, known = reader.folder("Staff").remote_id, reader.subjects("Staff")
    cloud.add_fault("error", path=staff, count=None, status=404, code="ErrorItemNotFound")
    all_folders = r"mailFolders\?includeHiddenFolders=true&\$top=250$"
    fault = cloud.add_fault("error", path=all_folders, count=None, status=503)
    await reader.read()
    assert cloud.reached(fault)
    assert [each.folder_id for each in reader.failed] == [staff]
    assert reader.subjects("Staff") == known


async def test_a_mailbox_that_is_not_reached_for_a_moment_loses_no_folder(
    cloud: SandboxCloud, reader: Reader
) -> None:
    await reader.read()
    cloud.add_fault("error", path="/messages/delta", count=None, status=404, code="MailboxNotEnabledForRESTAPI")
    with pytest.raises(Gone):
        await reader.read()


async def test_many_folders_that_cannot_be_read_do_not_keep_the_others_from_being_read_every_day(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    bad = ["Staff", "Drafts", "Archive", "Junk Email"]
    await reader.read()
    ids = [reader.folder(name).remote_id for name in bad]
    for folder_id in ids:
        cloud.add_fault("error", path=f"{folder_id}/messages", count=None, status=503)
    for day in (b"first", b"second"):
        cloud.deliver(BOB, MIME % day)
        await reader.read()
        assert sorted(each.folder_id for each in reader.failed) == sorted(ids)
        assert day.decode() in reader.subjects("Inbox")


async def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_read(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    await reader.read()
    staff = reader.folder("Staff").remote_id
    known = reader.subjects("Staff")
    fault = cloud.add_fault("error", path=f"{staff}/messages", count=None, status=503)
    cloud.deliver(BOB, MIME % b"meanwhile")
    await reader.read()
    assert [(each.folder_id, each.code) for each in reader.failed] == [(staff, "ServiceUnavailable")]
    assert reader.subjects("Staff") == known
    assert "meanwhile" in reader.subjects("Inbox")
    assert cloud.reached(fault)
    cloud.clear_faults()
    (await reader.read()).check(cloud)
    assert reader.failed == []


async def test_when_folder_after_folder_fails_the_round_fails(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    await reader.read()
    cloud.add_fault("error", path="messages", count=None, status=503)
    with pytest.raises(Unavailable):
        await reader.read()


async def test_big_pages_that_fail_are_asked_for_in_small_ones(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    fault = cloud.add_fault("error", path="messages/delta", count=2, status=504, body="empty")
    (await reader.read()).check(cloud)
    assert cloud.reached(fault) == 2
    assert reader.failed == []


@pytest.mark.parametrize("kind", ["reset", "truncate", "control_characters", "html_error", "empty_404"])
async def test_passing_faults_anywhere_change_nothing(cloud: SandboxCloud, reader: Reader, kind: str) -> None:
    faults = [cloud.add_fault(kind, path="delta", nth=2), cloud.add_fault(kind, path="delta", nth=5)]
    (await reader.read()).check(cloud)
    cloud.advance(days=1)
    faults.append(cloud.add_fault(kind, path="delta"))
    (await reader.read()).check(cloud)
    assert all(cloud.reached(fault) for fault in faults)


async def test_a_broken_next_link_is_not_followed(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_changes, "PAGE_SIZES", (3, 2))
    fault = cloud.add_fault("broken_next_link", path="messages/delta", method="GET", nth=9)
    (await reader.read()).check(cloud)
    assert cloud.reached(fault) == 1


NO_LINKS = '{"value": []}'
"""A page that names nothing and says neither how the list goes on nor that it ends."""


async def test_a_list_of_folders_that_breaks_off_ends_no_folder(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    cloud.set_mailbox(BOB, forget_sync_state=True)
    fault = cloud.add_fault("error", path=r"mailFolders/delta(?!.*token)", count=None, status=200, raw=NO_LINKS)
    with pytest.raises(Unavailable):
        await reader.read()
    assert cloud.reached(fault)
    cloud.clear_faults()
    (await reader.read()).check(cloud)


@pytest.mark.parametrize("times", [1, 2, None])
async def test_a_list_of_mail_that_breaks_off_ends_no_mail(
    cloud: SandboxCloud, reader: Reader, times: int | None
) -> None:
    await reader.read()
    inbox = f"mailFolders/{reader.folder('Inbox').remote_id}/messages/delta"
    cloud.set_mailbox(BOB, forget_sync_state=True)
    fault = cloud.add_fault("error", path=rf"{inbox}(?!.*token)", count=times, status=200, raw=NO_LINKS)
    (await reader.read()).check(cloud)
    assert cloud.reached(fault)
    cloud.clear_faults()
    (await reader.read()).check(cloud)


async def test_changes_that_break_off_are_asked_for_again(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    cloud.deliver(BOB, MIME % b"meanwhile")
    fault = cloud.add_fault("error", path="messages/delta.*token", count=None, status=200, raw=NO_LINKS)
    (await reader.read()).check(cloud)
    assert cloud.reached(fault)
    cloud.clear_faults()
    (await reader.read()).check(cloud)


async def test_a_plain_list_whose_pages_shift_ends_nothing_that_is_there(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.read()
    monkeypatch.setattr(mail_changes, "PAGE_SIZES", (3, 1))
    cloud.set_mailbox(BOB, over_quota=True)
    inbox = reader.folder("Inbox").remote_id
    before, deleted = reader.subjects("Inbox"), list[str]()
    read = MailRound._read

    async def read_and_delete(this: MailRound, entries: list[Entry], folder_id: str) -> list[Change]:
        if folder_id == inbox and not deleted:
            deleted.append(entries[0]["id"])
            act(cloud, "POST", user(f"/messages/{deleted[0]}/permanentDelete"))
        return await read(this, entries, folder_id)

    monkeypatch.setattr(MailRound, "_read", read_and_delete)
    await reader.read()
    assert deleted
    assert reader.subjects("Inbox") == before, "the deleted one stays until a list proves to be whole"
    (await reader.read()).check(cloud)


@pytest.mark.parametrize("said", ["{}", '{"totalItemCount": null}'])
async def test_a_plain_list_of_a_folder_without_a_count_ends_nothing(
    cloud: SandboxCloud, reader: Reader, said: str
) -> None:
    await reader.read()
    cloud.set_mailbox(BOB, over_quota=True)
    inbox = reader.folder("Inbox").remote_id
    cloud.add_fault("error", path=rf"{inbox}\?\$select=id,totalItemCount", count=None, status=200, raw=said)
    fault = cloud.add_fault("error", path=rf"{inbox}/messages\?", status=200, raw=NO_LINKS)
    await reader.read()
    assert cloud.reached(fault)
    reader.check(cloud)


async def test_throttling_is_waited_out(cloud: SandboxCloud, reader: Reader) -> None:
    cloud.add_fault("error", path="delta", nth=2, count=2, status=429, retry_after=0.05, style="decimal")
    cloud.add_fault("error", path="delta", nth=6, count=1, status=429, retry_after=0)
    (await reader.read()).check(cloud)


async def test_a_token_that_dies_in_the_middle_is_renewed(cloud: SandboxCloud, reader: Reader) -> None:
    fault = cloud.add_fault("token_expired", path="messages/delta", nth=3)
    (await reader.read()).check(cloud)
    assert cloud.reached(fault) == 1


async def test_consent_taken_back_in_the_middle_is_said(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    cloud.add_fault("consent_revoked", path="messages/delta", nth=3)
    with pytest.raises((ConsentLost, Forbidden)):
        await reader.read()
    assert reader.cursor is None


async def test_a_mailbox_that_is_gone_says_so(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    cloud.set_mailbox(BOB, remove=True)
    with pytest.raises(Gone):
        await reader.read()


async def test_a_stored_cursor_that_is_not_whole_means_a_full_list(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    for broken in ({"v": 0, "mail": reader.cursor["mail"]}, {"nothing": "of ours"}, {"v": 1, "folders": 7}):
        reader.cursor = broken
        await reader.read()
        assert len(reader.listed) == len(reader.folders)
        reader.check(cloud)


async def test_a_cursor_outlives_a_change_of_the_base_address(cloud: SandboxCloud, reader: Reader) -> None:
    await reader.read()
    assert cloud.graph_url not in str(reader.cursor)
