"""What a restore says of each message: what came back, what nobody can set, and what reads different."""

from email.message import EmailMessage
from typing import Any

import pytest

from apps.backups.selectors.browse import node_key
from apps.jobs.models import JobItem
from apps.recovery.restore.plan import plan_start
from apps.recovery.restore.undo import undo_start
from tests.recovery.conftest import Office, as_it_was
from tests.recovery.test_restore import in_inbox, patch
from tests.recovery.test_restore_kinds import send


def with_a_file() -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Menu", "Ann <ann@x.example>", "Bob Smith, b@x.example"
    message["Message-ID"] = "<menu@x.example>"
    message.set_content("See file")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="Menu.pdf")
    return message


def test_a_mail_says_what_of_it_nobody_can_set(office: Office) -> None:
    original = office.cloud.deliver(office.bob.remote_id, with_a_file().as_bytes())
    snapshot = office.back_up()
    office.choose(snapshot, items=[node_key(original)])
    (row,) = JobItem.objects.filter(job=office.restore(snapshot, "new_root"))
    assert (row.outcome, row.cause) == ("done", "not_possible")
    assert row.message == "Not possible at Microsoft: People without a valid address are missing in To (1)."


def test_a_mail_that_lost_its_file_on_the_way_does_not_replace_the_one_that_is_there(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = office.cloud.deliver(office.bob.remote_id, with_a_file().as_bytes())
    snapshot = office.back_up()
    patch(office, original, {"categories": ["Changed since"]})
    office.choose(snapshot, items=[node_key(original)])
    job = plan_start(plan=office.plan(snapshot, "replace"))

    def none(*_: Any) -> tuple[list[Any], list[Any]]:
        return [], []

    monkeypatch.setattr("apps.connectors.microsoft.exchange.mail_write._split", none)
    (row,) = JobItem.objects.filter(job=office.work(job))
    assert (row.outcome, row.cause) == ("failed", "different")
    assert "Files: 0 instead of 1" in row.message
    assert original in {m["id"] for m in in_inbox(office, "<menu@x.example>")}


@pytest.mark.parametrize("mode", ["skip", "replace"])
def test_what_people_filed_elsewhere_stays_there_and_is_named_and_what_they_deleted_comes_back(
    office: Office, mode: str
) -> None:
    snapshot = office.back_up()
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    filed, binned = inbox[:2], inbox[2]
    for remote_id, place in (
        (filed[0]["id"], "archive"),
        (filed[1]["id"], "drafts"),
        (binned["id"], "deleteditems"),
    ):
        send(office, f"messages/{remote_id}/move", {"destinationId": place}, method="POST")
    before = office.live()
    office.choose(snapshot, items=[node_key(m["id"]) for m in inbox])
    plan = office.plan(snapshot, mode)
    assert (plan.total("create"), plan.total("replace")) == (1, 0)
    assert plan.notes == ["Filed elsewhere in the mailbox, so left where they are: 2 messages."]
    job = office.work(plan_start(plan=plan))
    assert (job.state, job.items_done, job.result["drift"]) == ("succeeded", 1, []), job.message
    named = JobItem.objects.filter(job=job, cause="elsewhere").values_list("label", flat=True)
    assert sorted(named) == sorted(m["subject"] for m in filed)
    back = [m for m in office.live() if m["id"] not in {old["id"] for old in before}]
    assert [as_it_was(m) for m in back] == [as_it_was(binned)]
    assert office.work(undo_start(plan=plan)).items_done == 1
    assert {m["id"] for m in office.live() if m["folder"] == "Inbox"} == {m["id"] for m in inbox[3:]}
