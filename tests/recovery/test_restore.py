"""Restores against the sandbox cloud: what was there comes back as it was, once, and nothing else changes."""

from collections import Counter
from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail as outbox

from apps.activity.models import Activity
from apps.backups.selectors.browse import node_key
from apps.backups.selectors.points import point_of
from apps.connectors.microsoft.exchange.mail_write import MailWriter
from apps.connectors.writing import NewItem, WriteItem, Written
from apps.core.errors import Conflict, InvalidRequest
from apps.jobs.models import Job, JobItem
from apps.recovery.models import Plan
from apps.recovery.restore import execute
from apps.recovery.restore.plan import plan_create, plan_make, plan_start
from apps.recovery.restore.undo import _Undo, undo_start
from tests.recovery.conftest import Office, as_it_was
from tests.recovery.factories import mail


def below(messages: list[dict[str, Any]], root: str) -> list[dict[str, Any]]:
    return [m for m in messages if m["folder"].startswith(root)]


def test_a_whole_mailbox_comes_back_into_a_new_folder_as_it_was(office: Office) -> None:
    snapshot = office.back_up()
    before = office.live()
    office.choose(snapshot)
    job = office.restore(snapshot, "new_root")
    assert (job.state, job.items_failed) == ("succeeded", 0), job.message
    after = office.live()
    root = job.result["root"]
    restored = below(after, f"{root}/")
    strip = len(root) + 1
    assert Counter((m["folder"][strip:], *as_it_was(m)) for m in restored) == Counter(
        (m["folder"], *as_it_was(m)) for m in before
    )
    assert sorted(m["id"] for m in after if m not in restored) == sorted(m["id"] for m in before)


def test_an_empty_mailbox_gets_folders_flags_dates_bodies_and_attachments(office: Office) -> None:
    mime = mail("With papers", "Dear all", html="<p>Dear <b>all</b></p>", message_id="<papers@x.example>")
    message = message_from_bytes(mime, policy=policy.default)
    message.add_attachment(b"%PDF-1.4 papers", maintype="application", subtype="pdf", filename="Papers.pdf")
    office.cloud.deliver(
        office.bob.remote_id, message.as_bytes(), received="2026-01-02T03:04:05Z", is_read=True
    )
    snapshot = office.back_up()
    office.cloud.add_user("empty@pizza-perfecto.example")
    empty = office.mailbox("empty@pizza-perfecto.example")
    office.choose(snapshot)
    job = office.restore(snapshot, "skip", empty)
    assert job.state == "succeeded", job.message
    before, after = office.live(), office.live(empty)
    assert Counter((m["folder"], *as_it_was(m)) for m in after) == Counter(
        (m["folder"], *as_it_was(m)) for m in before
    )
    again = office.back_up(empty)
    assert again.items == snapshot.items
    papers = next(m for m in after if m["internetMessageId"] == "<papers@x.example>")
    office.choose(again, items=[node_key(papers["id"])])
    found = message_from_bytes(read(office, again, papers["id"]), policy=policy.default)
    attachment = next(iter(found.iter_attachments()))
    assert attachment.get_content() == b"%PDF-1.4 papers" and attachment.get_filename() == "Papers.pdf"
    html = found.get_body(("html",))
    assert html is not None and "Dear <b>all</b>" in html.get_content()


def read(office: Office, snapshot: Any, remote_id: str) -> bytes:
    from apps.backups.selectors.browse import as_of, node_by_key
    from apps.recovery.reading import read_message

    state = as_of(snapshot)
    return read_message(state, node_by_key(state, node_key(remote_id)))


def test_what_is_there_is_skipped_and_what_was_deleted_comes_back_to_its_place(office: Office) -> None:
    snapshot = office.back_up()
    before = office.live()
    gone = [m for m in before if m["folder"] == "Inbox"][:3]
    delete(office, [m["id"] for m in gone])
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    plan = office.plan(snapshot, "skip")
    inbox = len([m for m in before if m["folder"].split("/")[0] == "Inbox"])
    assert (plan.total("create"), plan.total("skip")) == (3, inbox - 3)
    job = office.work(plan_start(plan=plan))
    assert (job.items_done, job.items_skipped, job.items_failed) == (3, inbox - 3, 0)
    binned = {m["id"] for m in gone}  # what people delete lies in Deleted Items
    after = [m for m in office.live() if m["id"] not in binned]
    assert Counter((m["folder"], *as_it_was(m)) for m in after) == Counter(
        (m["folder"], *as_it_was(m)) for m in before
    )


def test_replace_writes_the_older_version_and_removes_the_newer(office: Office) -> None:
    snapshot = office.back_up()
    target = next(m for m in office.live() if m["folder"] == "Inbox")
    patch(office, target["id"], {"categories": ["Changed since"], "isRead": not target["isRead"]})
    office.choose(snapshot, items=[node_key(target["id"])])
    plan = office.plan(snapshot, "replace")
    assert (plan.total("create"), plan.total("replace")) == (0, 1)
    job = office.work(plan_start(plan=plan))
    assert job.state == "succeeded", job.message
    same = [
        m
        for m in office.live()
        if m["internetMessageId"] == target["internetMessageId"] and m["folder"] == "Inbox"
    ]
    assert [as_it_was(m) for m in same] == [as_it_was(target)]
    assert same[0]["id"] != target["id"]


@pytest.mark.parametrize("mode", ["replace", "skip"])
def test_two_copies_of_one_message_come_back_as_two(
    office: Office, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(execute, "BATCH", 1)
    mime = mail("Twin", "Twice in the folder", message_id="<twin@x.example>")
    twins = [office.cloud.deliver(office.bob.remote_id, mime) for _ in range(2)]
    snapshot = office.back_up()
    delete(office, twins)
    office.choose(snapshot, items=[node_key(twin) for twin in twins])
    job = office.restore(snapshot, mode)
    assert (job.state, job.items_done) == ("succeeded", 2), job.message
    back = [m for m in office.live() if m["internetMessageId"] == "<twin@x.example>" and m["folder"] == "Inbox"]
    assert {m["id"] for m in back} == set(JobItem.objects.filter(job=job).values_list("written_id", flat=True))


class WorkerEnds(BaseException):
    """What a worker meets that is told to stop."""


@pytest.mark.parametrize("mode", ["skip", "replace", "duplicate"])
def test_what_a_worker_left_half_written_is_not_taken_for_something_of_the_mailbox(
    office: Office, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    job = large_mail(office, mode)

    async def end(*_: Any, **__: Any) -> None:
        raise WorkerEnds

    with monkeypatch.context() as patched:
        patched.setattr("apps.connectors.microsoft.exchange.mail_write.attach", end)
        with pytest.raises(WorkerEnds):
            office.work(job)
    assert len(in_inbox(office, "<large@x.example>")) == 1
    job = office.work(job)
    assert (job.state, job.items_done) == ("succeeded", 1), job.message
    (row,) = JobItem.objects.filter(job=job)
    assert (row.details["how"], row.details["old_id"]) == ("create", "")
    back = in_inbox(office, "<large@x.example>")
    assert [(m["id"], m["subject"]) for m in back] == [(row.written_id, "Large")]


def test_undo_names_what_a_worker_left_half_written(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    job = large_mail(office, "skip")

    async def end(*_: Any, **__: Any) -> None:
        raise WorkerEnds

    monkeypatch.setattr("apps.connectors.microsoft.exchange.mail_write.attach", end)
    with pytest.raises(WorkerEnds):
        office.work(job)
    type(job).objects.filter(pk=job.pk).update(cancel_requested=True)
    assert office.work(job).state == "cancelled"
    undo = office.work(undo_start(plan=Plan.objects.get(job=job)))
    assert [row.outcome for row in JobItem.objects.filter(job=undo)] == ["skipped"]
    assert len(in_inbox(office, "<large@x.example>")) == 1


def large_mail(office: Office, mode: str) -> Job:
    """A restore, not begun yet, of a deleted message with a large file."""
    mime = mail("Large", "See file", message_id="<large@x.example>")
    message = message_from_bytes(mime, policy=policy.default)
    message.add_attachment(bytes(3_500_000), maintype="application", subtype="pdf", filename="Large.pdf")
    original = office.cloud.deliver(office.bob.remote_id, message.as_bytes())
    snapshot = office.back_up()
    office.choose(snapshot, items=[node_key(original)])
    delete(office, [original])
    return plan_start(plan=office.plan(snapshot, mode))


def in_inbox(office: Office, message_id: str) -> list[dict[str, Any]]:
    return [m for m in office.live() if m["internetMessageId"] == message_id and m["folder"] == "Inbox"]


def test_a_second_restore_of_the_day_gets_a_folder_of_its_own(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    first = office.restore(snapshot, "new_root").result["root"]
    second = office.restore(snapshot, "new_root").result["root"]
    assert second == f"{first} (2)"


def test_one_poisoned_message_does_not_stop_the_others(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    office.cloud.add_fault(
        "error", path=r"/messages$", method="POST", nth=2, status=400, code="ErrorInvalidRecipients"
    )
    job = office.restore(snapshot, "new_root")
    assert job.state == "partial" and job.items_failed == 1, job.message
    failed = JobItem.objects.get(job=job, outcome="failed")
    assert failed.message and "Traceback" not in failed.message


def test_without_write_consent_nothing_is_written_and_the_way_out_is_named(office: Office) -> None:
    snapshot = office.back_up()
    before = office.cloud.mailbox_hash(office.bob.remote_id)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    office.cloud.add_fault(
        "error", method="POST", path="childFolders|messages", count=None, status=403, code="ErrorAccessDenied"
    )
    job = office.restore(snapshot, "new_root")
    assert job.state == "failed" and "may only read" in job.message and "Grant write access" in job.message
    assert office.cloud.mailbox_hash(office.bob.remote_id) == before


def test_throttling_is_waited_for_and_nothing_is_doubled(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    office.cloud.throttle(requests=40, window_seconds=1, retry_after=1)
    job = office.restore(snapshot, "new_root")
    assert job.state == "succeeded", job.message
    assert len(below(office.live(), job.result["root"])) == job.items_total


def test_what_cannot_be_read_back_fails_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MICROSOFT_TRIES = 2
    monkeypatch.setattr(execute, "SLICE_ITEMS", 1)
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    office.cloud.add_fault(
        "error", path="receivedDateTime%2CisDraft|receivedDateTime,isDraft", count=2, status=503
    )
    job = office.restore(snapshot, "new_root")
    assert (job.state, job.items_failed, job.items_done) == ("partial", 1, job.items_total - 1), job.message
    assert "could not be read back" in JobItem.objects.get(job=job, outcome="failed").message


def test_an_item_of_a_form_that_nobody_expected_fails_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    write, read_back = MailWriter.write, MailWriter.read_back
    names = [m["subject"] for m in office.live() if m["subject"].startswith("Order ")][:2]

    async def odd_write(self: MailWriter, item: WriteItem) -> NewItem:
        if item.name == names[0]:
            raise IndexError("list index out of range")
        return await write(self, item)

    async def odd_read_back(self: MailWriter, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        if any(each and each.name == names[1] for each in items.values()):
            raise TypeError("'NoneType' object is not iterable")
        return await read_back(self, items)

    monkeypatch.setattr(MailWriter, "write", odd_write)
    monkeypatch.setattr(MailWriter, "read_back", odd_read_back)
    job = office.restore(snapshot, "new_root")
    failed = {row.label: row.message for row in JobItem.objects.filter(job=job, outcome="failed")}
    assert (job.state, set(failed)) == ("partial", set(names)), job.message
    assert all("does not know" in message for message in failed.values())
    undo = undo_start(plan=Plan.objects.get(job=job))
    is_free = _Undo._is_free

    def odd(self: Any, writer: Any, item: JobItem, *more: Any) -> bool:
        if item.label == names[0]:
            raise KeyError("id")
        return is_free(self, writer, item, *more)

    monkeypatch.setattr(_Undo, "_is_free", odd)
    undo = office.work(undo)
    assert [row.label for row in JobItem.objects.filter(job=undo, outcome="failed")] == [names[0]], undo.message
    assert undo.items_done + undo.items_skipped == undo.items_total - 1


def test_a_lost_answer_to_a_write_makes_no_double(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    fault = office.cloud.add_fault("reset", path=r"/messages$", method="POST", nth=3, after=True)
    job = office.restore(snapshot, "new_root")
    assert office.cloud.reached(fault) == 1
    assert job.state == "succeeded", job.message
    assert len(below(office.live(), job.result["root"])) == job.items_total


def test_a_cancelled_restore_stops_and_lists_what_was_written(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot)
    job = plan_start(plan=office.plan(snapshot, "new_root"))
    type(job).objects.filter(pk=job.pk).update(cancel_requested=True)
    job = office.work(job)
    assert job.state == "cancelled" and job.items_done < job.items_total


def test_the_initiator_gets_a_report_and_the_activity_a_row(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    office.restore(snapshot, "new_root")
    (report,) = outbox.outbox
    assert report.subject.startswith("Restore of") and "is done" in report.subject
    assert report.to == ["rita.restorer@pizza-perfecto.example"] and "item by item" in report.body
    assert set(Activity.objects.filter(code__startswith="restore.").values_list("code", flat=True)) == {
        "restore.started", "restore.finished",
    }  # fmt: skip


def test_a_plan_is_started_once_and_writes_nothing_before(office: Office) -> None:
    snapshot = office.back_up()
    before = office.cloud.mailbox_hash(office.bob.remote_id)
    office.choose(snapshot)
    plan = office.plan(snapshot, "skip")
    assert office.cloud.mailbox_hash(office.bob.remote_id) == before
    plan_start(plan=plan)
    with pytest.raises(Conflict):
        plan_start(plan=plan)


def test_nothing_selected_is_no_plan_and_a_gone_mailbox_a_clear_one(office: Office) -> None:
    snapshot = office.back_up()
    with pytest.raises(InvalidRequest):
        plan_create(point=point_of(snapshot.run), target=office.bob, mode="skip")
    office.choose(snapshot)
    nobody = office.mailbox("nobody@pizza-perfecto.example")
    plan = plan_make(plan=plan_create(point=point_of(snapshot.run), target=nobody, mode="new_root"))
    assert plan.state == "failed" and plan.message and "Traceback" not in plan.message


def folder_key(office: Office, path: str) -> str:
    folders = office.cloud.export(office.bob.remote_id)["folders"]
    return node_key(next(f["id"] for f in folders if f["path"] == path))


def delete(office: Office, ids: list[str]) -> None:
    for each in ids:
        graph(office, "DELETE", each)


def patch(office: Office, remote_id: str, changes: dict[str, Any]) -> None:
    graph(office, "PATCH", remote_id, changes)


def graph(office: Office, method: str, remote_id: str, body: dict[str, Any] | None = None) -> None:
    import json
    from urllib.request import Request, urlopen

    url = f"{office.cloud.graph_url}/v1.0/users/{office.bob.remote_id}/messages/{remote_id}"
    headers = {"Authorization": f"Bearer {office.cloud.token()}", "Content-Type": "application/json",
               "Prefer": 'IdType="ImmutableId"'}  # fmt: skip
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, headers, method=method), timeout=30) as answer:
        assert answer.status in (200, 204)
