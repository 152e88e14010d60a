"""What a restore says of each message: what came back, what nobody can set, and what reads different."""

from email.message import EmailMessage
from typing import Any

import pytest

from apps.backups.selectors.browse import node_key
from apps.jobs.models import JobItem
from apps.recovery.restore.plan import plan_start
from tests.recovery.conftest import Office
from tests.recovery.test_restore import in_inbox, patch


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

    def none(_: Any) -> tuple[list[Any], list[Any]]:
        return [], []

    monkeypatch.setattr("apps.connectors.microsoft.exchange.mail_write._split", none)
    (row,) = JobItem.objects.filter(job=office.work(job))
    assert (row.outcome, row.cause) == ("failed", "different")
    assert "Files: 0 instead of 1" in row.message
    assert original in {m["id"] for m in in_inbox(office, "<menu@x.example>")}
