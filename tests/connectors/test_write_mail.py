"""Mail is written back as it was, once, and told apart by its key."""

import base64
from collections.abc import AsyncIterator, Sequence

import pytest

from apps.connectors.base import EntityRef, Fetched
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftWriter
from apps.connectors.microsoft.exchange.event_compose import compose_event
from apps.connectors.microsoft.exchange.mail_compose import read_letter
from apps.connectors.microsoft.exchange.mail_write import MailWriter
from apps.connectors.microsoft.patience import Patience
from apps.connectors.writing import ItemWriter, ListsFolders, WriteItem
from apps.core.errors import Forbidden, QuotaExceeded, Unavailable
from apps.sandbox.testing import SandboxCloud

from .reading import Reader, act

BOB, TARGET = "bob.smith@pizza-perfecto.example", "restored@pizza-perfecto.example"
TO = EntityRef(TARGET, EntityKind.USER_MAILBOX, TARGET)
PLAIN = b"Subject: once\r\nFrom: a@x.example\r\nTo: b@x.example\r\nMessage-ID: <one@x>\r\n\r\ntext"
LARGE = 3_500_000


@pytest.fixture
async def writer(cloud: SandboxCloud, identity: AppIdentity) -> AsyncIterator[ItemWriter]:
    cloud.reset(users=4, messages=200)
    cloud.add_user(TARGET, displayName="Empty")
    async with MicrosoftWriter(identity) as writer:
        yield writer.items(TO, SubService.MAIL)


def written(cloud: SandboxCloud) -> list[dict[str, object]]:
    return list(cloud.export(TARGET)["messages"])


def with_files(*contents: bytes) -> bytes:
    parts = b"".join(
        b"--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; filename=f%d.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n%s\r\n" % (number, base64.encodebytes(content))
        for number, content in enumerate(contents)
    )
    head = b"Subject: files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n" + parts + b"--b--\r\n"


async def test_a_mailbox_written_to_an_empty_one_is_the_same(
    cloud: SandboxCloud, identity: AppIdentity, writer: ItemWriter
) -> None:
    source = await Reader(identity, BOB).read()
    contents = await source.fetch()
    folder = await writer.ensure_folder(None, "Restored")
    items: dict[str, WriteItem | None] = {}
    for remote_id, mail in source.mails.items():
        content = contents[remote_id]
        assert isinstance(content, Fetched)
        item = WriteItem(remote_id, folder, content.content, mail.props, tags=("Restored",))
        items[(await writer.write(item)).remote_id] = item
    assert [each.faults for each in (await writer.read_back(items)).values()] == [()] * len(items)
    new_ids = await writer.find_restored(folder, list(source.mails))
    truth = {mail["id"]: mail for mail in cloud.export(BOB)["messages"]}
    restored = {mail["id"]: mail for mail in written(cloud)}
    assert set(new_ids) == set(source.mails)
    same = (
        "subject",
        "internetMessageId",
        "received",
        "sent",
        "isRead",
        "isDraft",
        "importance",
        "flag",
    )
    for old, new in new_ids.items():
        assert restored[new]["categories"] == [*truth[old]["categories"], "Restored"]
        assert {name: restored[new][name] for name in same} == {name: truth[old][name] for name in same}
    target = await Reader(identity, TARGET).read()
    back = await target.fetch()
    for old, new in new_ids.items():
        before, after = contents[old], back[new]
        assert isinstance(before, Fetched)
        assert isinstance(after, Fetched)
        one, two = read_letter(before.content), read_letter(after.content)
        assert one.body.replace("\r\n", "\n").strip() == two.body.replace("\r\n", "\n").strip()
        assert one.body_is_html == two.body_is_html
        assert sorted((f.name, f.content, f.content_id) for f in one.attachments) == sorted(
            (f.name, f.content, f.content_id) for f in two.attachments
        )


async def test_large_files_follow_and_the_key_comes_last(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    files = [b"a" * LARGE, b"b" * 2_500_000, b"c" * 10]
    new = (await writer.write(WriteItem("key", folder, with_files(*files), b'{"isRead":true}'))).remote_id
    assert await writer.find_restored(folder, ["key"]) == {"key": new}
    attached = act(cloud, "GET", f"/users/{TARGET}/messages/{new}/attachments")["value"]
    assert sorted((each["name"], each["contentBytes"]) for each in attached) == [
        (f"f{number}.bin", base64.b64encode(content).decode()) for number, content in enumerate(files)
    ]


async def test_what_reads_other_than_it_was_written_is_named(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    props = b'{"isRead":true,"importance":"high","categories":["Shop"],"flag":{"flagStatus":"flagged"}}'
    item = WriteItem("key", folder, with_files(b"a" * LARGE, b"b"), props)
    new = (await writer.write(item)).remote_id
    assert (await writer.read_back({new: item}))[new].faults == ()
    changed = {"isRead": False, "importance": "low", "categories": [], "flag": {"flagStatus": "complete"}}
    act(cloud, "PATCH", f"/users/{TARGET}/messages/{new}", changed)
    path = f"/users/{TARGET}/messages/{new}/attachments"
    act(cloud, "DELETE", f"{path}/{act(cloud, 'GET', path)['value'][0]['id']}")
    assert (await writer.read_back({new: item}))[new].faults == (
        "Read state", "Importance", "Flag", "Categories", "Files: 1 instead of 2",
    )  # fmt: skip
    other = WriteItem("key", folder, with_files(b"a" * (LARGE + 1_000)), item.props)
    assert (await writer.read_back({new: other}))[new].faults[-1] == "Files: not all of their content"
    assert (await writer.read_back({new: None}))[new].faults == ()


async def test_a_message_whose_large_file_failed_is_not_taken_for_restored(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    item = WriteItem("key", folder, with_files(b"a" * LARGE), b"{}")
    fault = cloud.add_fault(
        "error", path="createUploadSession", count=None, status=403, code="ErrorAccessDenied"
    )
    with pytest.raises(Forbidden):
        await writer.write(item)
    assert cloud.reached(fault)
    assert await writer.find_restored(folder, ["key"]) == {}
    cloud.clear_faults()
    new = (await writer.write(item)).remote_id
    assert await writer.find_restored(folder, ["key"]) == {"key": new}
    assert [mail["id"] for mail in written(cloud) if mail["folder"] == "Restored"] == [new]


async def test_what_a_killed_worker_left_half_written_is_replaced(
    cloud: SandboxCloud, writer: ItemWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    item = WriteItem("key", folder, with_files(b"a" * LARGE), b'{"internetMessageId":"<large@x>"}')

    async def killed(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("apps.connectors.microsoft.exchange.mail_write.attach", killed)
        with pytest.raises(KeyboardInterrupt):
            await writer.write(item)
    assert await writer.find_restored(folder, ["key"]) == {}
    known = [("gone", b'{"internetMessageId":"<large@x>"}')]
    assert await writer.find_existing(folder, known) == {}
    new = (await writer.write(item)).remote_id
    assert [mail["id"] for mail in written(cloud) if mail["folder"] == "Restored"] == [new]
    assert await writer.find_existing(folder, known) == {"gone": new}


async def test_a_message_whose_key_cannot_be_set_leaves_nothing_behind(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("error", method="PATCH", count=None, status=403, code="ErrorAccessDenied")
    with pytest.raises(Forbidden):
        await writer.write(WriteItem("key", folder, with_files(b"a" * LARGE), b"{}"))
    cloud.clear_faults()
    assert [mail["id"] for mail in written(cloud) if mail["folder"] == "Restored"] == []


async def test_a_create_whose_answer_is_lost_writes_once(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    fault = cloud.add_fault("reset", method="POST", path="/messages", when="mid")
    new = (await writer.write(WriteItem("key", folder, PLAIN, b"{}"))).remote_id
    assert cloud.reached(fault) == 1
    assert [mail["id"] for mail in written(cloud)] == [new]


async def test_a_create_that_fails_for_a_moment_is_tried_again(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("error", method="POST", path="/messages", count=2, status=503)
    await writer.write(WriteItem("key", folder, PLAIN, b"{}"))
    assert len(written(cloud)) == 1


async def test_a_message_that_shows_late_after_a_lost_answer_is_written_once(
    cloud: SandboxCloud, writer: ItemWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("reset", method="POST", path="/messages", when="mid")
    find, hidden = MailWriter.find_restored, [True]

    async def find_late(self: MailWriter, folder_id: str, keys: Sequence[str]) -> dict[str, str]:
        return {} if hidden and hidden.pop() else await find(self, folder_id, keys)

    monkeypatch.setattr(MailWriter, "find_restored", find_late)
    new = (await writer.write(WriteItem("key", folder, PLAIN, b"{}"))).remote_id
    assert [mail["id"] for mail in written(cloud)] == [new]


async def test_a_message_whose_last_try_lost_its_answer_is_found(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    tries = Patience.from_settings().tries
    cloud.add_fault("error", method="POST", path="/messages", count=tries - 1, status=503)
    cloud.add_fault("reset", method="POST", path="/messages", when="mid")
    new = (await writer.write(WriteItem("key", folder, PLAIN, b"{}"))).remote_id
    assert [mail["id"] for mail in written(cloud)] == [new]


async def test_a_success_that_wrote_nothing_is_no_success(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("error", method="POST", path="/messages", count=None, status=200, body="empty")
    with pytest.raises(Unavailable, match="not there"):
        await writer.write(WriteItem("key", folder, PLAIN, b"{}"))
    assert written(cloud) == []


async def test_a_file_posted_to_a_fresh_message_may_be_refused_for_a_moment(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    fault = cloud.add_fault("gone", method="POST", path=r"/attachments", count=2)
    await writer.write(WriteItem("key", folder, with_files(b"a" * 2_500_000), b"{}"))
    assert cloud.reached(fault) == 2


async def test_an_upload_that_breaks_starts_again(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    fault = cloud.add_fault("error", method="PUT", path="_upload|AttachmentSessions", nth=2, status=503)
    new = (await writer.write(WriteItem("key", folder, with_files(b"a" * LARGE), b"{}"))).remote_id
    assert cloud.reached(fault) == 1
    attached = act(cloud, "GET", f"/users/{TARGET}/messages/{new}/attachments")["value"]
    assert [len(base64.b64decode(each["contentBytes"])) for each in attached] == [LARGE]


async def test_an_upload_whose_last_answer_is_lost_attaches_the_file_once(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    fault = cloud.add_fault("reset", method="PUT", path="_upload|AttachmentSessions", nth=2)
    item = WriteItem("key", folder, with_files(b"a" * LARGE), b"{}")
    new = (await writer.write(item)).remote_id
    assert cloud.reached(fault) == 1
    assert (await writer.read_back({new: item}))[new].faults == ()


@pytest.mark.parametrize(("text", "file"), [(2_000_000, 1_900_000), (3_000_000, 1_000_000), (1_900_000, 10)])
async def test_text_and_files_that_are_too_large_together_come_one_after_the_other(
    writer: ItemWriter, text: int, file: int
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    long = b'<p class="x">\n' * (text // 14)
    item = WriteItem("key", folder, with_files(b"a" * file).replace(b"\r\ntext\r\n", b"\r\n" + long), b"{}")
    new = (await writer.write(item)).remote_id
    assert (await writer.read_back({new: item}))[new].faults == ()
    assert await writer.find_restored(folder, ["key"]) == {"key": new}


async def test_a_mark_that_an_item_has_already_is_not_put_on_twice(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    await writer.write(WriteItem("key", folder, PLAIN, b'{"categories":["Today"]}', tags=("Today",)))
    assert [mail["categories"] for mail in written(cloud)] == [["Today"]]
    event = {
        "subject": "Rota", "categories": ["Today"],
        "start": {"dateTime": "2026-03-09T08:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-09T09:00:00", "timeZone": "UTC"},
    }  # fmt: skip
    assert compose_event(event, tags=("Today",)).body["categories"] == ["Today"]


async def test_folders_are_found_by_name_and_made_once(cloud: SandboxCloud, writer: ItemWriter) -> None:
    first = await writer.ensure_folder(None, "Restored")
    assert await writer.ensure_folder(None, "RESTORED") == first
    inside = await writer.ensure_folder(first, "Inbox")
    tree = {folder.remote_id: folder for folder in await writer.folders()}
    assert (tree[inside].parent_id, tree[inside].name) == (first, "Inbox")
    assert list(tree).index(first) < list(tree).index(inside)


@pytest.mark.parametrize(("kind", "options"), [("error", {"status": 503}), ("reset", {"when": "mid"})])
async def test_a_folder_whose_making_was_answered_badly_is_looked_up(
    cloud: SandboxCloud, writer: ItemWriter, kind: str, options: dict[str, object]
) -> None:
    fault = cloud.add_fault(kind, method="POST", path="/childFolders", **options)
    folder = await writer.ensure_folder(None, "Restored")
    assert cloud.reached(fault) == 1
    assert [each.remote_id for each in await writer.folders() if each.name == "Restored"] == [folder]


async def test_what_is_live_is_found_by_id_and_else_by_its_message_id(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    source = await Reader(identity, BOB).read()
    inbox = source.folder("Inbox").remote_id
    inside = [(key, mail.props) for key, mail in source.mails.items() if mail.parent_id == inbox]
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(EntityRef(BOB, EntityKind.USER_MAILBOX, BOB), SubService.MAIL)
        assert await writer.find_existing(inbox, inside) == {key: key for key, _ in inside}
        foreign = [(f"AAkALgForeign{number}", props) for number, (_, props) in enumerate(inside)]
        by_message_id = await writer.find_existing(inbox, foreign)
        assert sorted(by_message_id.values()) == sorted(key for key, _ in inside)
        elsewhere = source.folder("Sent Items").remote_id
        assert await writer.find_existing(elsewhere, inside) == {}
        assert isinstance(writer, ListsFolders)
        listing = await writer.list_folder(inbox)
        assert listing.etags == {key: source.mails[key].etag for key, _ in inside}
        assert writer.find_listed(listing, inside) == {key: key for key, _ in inside}
        assert sorted(writer.find_listed(listing, foreign).values()) == sorted(by_message_id.values())
        assert writer.find_listed(await writer.list_folder(elsewhere), inside) == {}


async def test_removing_twice_is_no_error(cloud: SandboxCloud, writer: ItemWriter) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    new = (await writer.write(WriteItem("key", folder, PLAIN, b"{}"))).remote_id
    await writer.remove(new)
    await writer.remove(new)
    assert [mail for mail in written(cloud) if mail["folder"] == "Restored"] == []


async def test_a_full_mailbox_and_a_missing_permission_are_said(
    cloud: SandboxCloud, writer: ItemWriter
) -> None:
    folder = await writer.ensure_folder(None, "Restored")
    cloud.add_fault("error", method="POST", path="/messages", status=507, code="ErrorQuotaExceeded")
    with pytest.raises(QuotaExceeded):
        await writer.write(WriteItem("key", folder, PLAIN, b"{}"))
    cloud.grant_consent(cloud.manual.client_id, ["Mail.Read"])
    with pytest.raises(Forbidden):
        await writer.write(WriteItem("key", folder, PLAIN, b"{}"))
