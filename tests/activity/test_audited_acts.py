"""Acts that matter stand in the audit, in the name of who did them; reads too, without flooding it."""

from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account
from apps.activity.models import Activity, SecurityEvent
from apps.activity.verify import chain_verify
from apps.backups.services.tasks import change_settings, create_task
from apps.connectors.enums import Service
from apps.connectors.services import connection_mark_disconnected
from apps.core.mails import mail_after_commit, note_mail
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.jobs.services import _sentence
from tests.backups.makers import make_connection
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.security.url_objects_recovery import a_message, an_export_part

pytestmark = pytest.mark.database


def entries(account: Account) -> list[tuple[str, str, str]]:
    with account_scope(account.pk):
        return [
            (row.code, row.actor_label, row.description) for row in SecurityEvent.objects.order_by("sequence")
        ]


def test_changes_of_connections_and_tasks_say_what_was_changed(cast: Cast) -> None:
    with account_scope(cast.account.pk):
        connection = make_connection(cast.account)
        task = create_task(connection=connection, service=Service.EXCHANGE, name="Mail")
        change_settings(task=task, name="Post", include_unlicensed=True)
        connection_mark_disconnected(connection=connection, reason="The secret has expired.")
    codes = {code: said for code, _, said in entries(cast.account)}
    assert codes["task.created"] == f"On {connection}"
    assert codes["task.changed"].startswith("Changed name from Mail to Post, include unlicensed from")
    assert codes["connection.lost"].endswith("The secret has expired.")


def test_a_job_is_an_entry_of_who_started_it(cast: Cast) -> None:
    new_job(cast.owner, items=3)
    ((code, who, said),) = entries(cast.account)
    assert (code, who) == ("restore.started", "Olivia Romano")
    assert "3 items" in said


def test_a_preview_is_one_entry_with_all_its_parts(client: Client, cast: Cast) -> None:
    snapshot, key = a_message(cast)
    client.force_login(cast.owner)
    for name in ("recovery_item", "recovery_letter", "recovery_headers"):
        assert client.get(reverse(name, args=[snapshot, key])).status_code == 200
    client.get(reverse("recovery_attachment", args=[snapshot, key, 1]))
    found = [entry for entry in entries(cast.account) if entry[0].startswith("item.")]
    assert [code for code, _, _ in found] == ["item.previewed", "item.attachment_downloaded"]
    assert found[0][1] == "Olivia Romano"
    assert found[0][2] == "Bob Smith", "the sentence is read by who may not see subjects"
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.get(code="item.previewed").details["content"] == "Papers"
        taken = SecurityEvent.objects.get(code="item.attachment_downloaded").details
    assert set(taken) == {"snapshot", "item", "content"} and taken["content"].startswith("Papers: ")
    assert chain_verify(cast.account.pk).unbroken


def test_a_fetched_part_of_an_export_is_an_entry(client: Client, cast: Cast) -> None:
    place = an_export_part(cast)
    client.force_login(cast.owner)
    with patch("celery.app.task.Task.apply_async"):
        response = client.get(reverse("recovery_download", args=place))
        b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert "export.downloaded" in [code for code, _, _ in entries(cast.account)]


def test_a_mail_in_the_accounts_name_is_an_entry_of_the_system(
    cast: Cast, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        with account_scope(cast.account.pk):
            mail_after_commit("audit_head", ["olivia@pizza-perfecto.example"], day="Monday", account="Pizza")
        mail_after_commit("audit_head", ["nobody@pizza-perfecto.example"], day="Monday", account="Pizza")
        assert entries(cast.account) == []
    assert len(mail.outbox) == 2
    assert entries(cast.account) == []  # the daily head itself is none, or there would be a new one every day
    with account_scope(cast.account.pk):
        note_mail("job_ended", "Restore is done", "olivia@pizza-perfecto.example")
    assert entries(cast.account) == [("notice.sent", "", "“Restore is done” to olivia@pizza-perfecto.example")]
    limited = uuid4()
    with account_scope(cast.account.pk):
        note_mail("job_ended", "Restore of Bob", "o@x.example", service="exchange", entity_id=limited)
        assert SecurityEvent.objects.get(entity_id=limited).service == "exchange"


def test_a_job_is_audited_without_the_name_of_another_mailbox_that_it_restores_into() -> None:
    job = Job(entity_label="Bob", entity_id=uuid4(), destination_label="Secret", destination_id=uuid4())
    assert _sentence(job) == "Bob, to another mailbox, 0 items"
    job.params = {"organisation": "Gelato Gino"}
    assert _sentence(job) == "Bob, to a mailbox of Gelato Gino, 0 items"
    job.destination_id = job.entity_id
    assert _sentence(job) == "Bob, to Secret, 0 items"


def test_the_act_and_its_entry_are_one_transaction(cast: Cast) -> None:
    with account_scope(cast.account.pk):
        connection = make_connection(cast.account)
        with (
            patch("apps.activity.services.audit", side_effect=RuntimeError),
            pytest.raises(RuntimeError),
        ):
            create_task(connection=connection, service=Service.EXCHANGE, name="Mail")
        assert not Activity.objects.filter(code="task.created").exists()
