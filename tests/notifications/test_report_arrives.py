"""From a mailbox that could not be backed up to a report in somebody's hands, over a real SMTP server."""

import csv
import io
from typing import Any
from unittest.mock import patch

import pytest

from apps.accounts.selectors import person_now
from apps.backups.engine import run_backup
from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity, ReportSettings
from apps.backups.reports import making, services
from apps.connectors.enums import EntityKind, Service
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.services import connection_create_from_credentials
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.notifications import sending
from apps.sandbox.testing import SandboxCloud
from tests.cast import Cast

from .conftest import Post, recipient

pytestmark = pytest.mark.usefixtures("transactional_db")


def back_up(task: BackupTask, address: str, name: str) -> None:
    entity = Entity.objects.create(
        account=task.account,
        task=task,
        remote_id=address,
        kind=EntityKind.USER_MAILBOX,
        name=name,
        address=address,
        state=EntityState.ACTIVE,
        next_run_at=clock.now(),
    )
    run_backup(account_id=task.account_id, entity_id=entity.pk)


def test_a_mailbox_that_fails_stands_in_the_report_and_its_table(
    cast: Cast, post: Post, sandbox_cloud: SandboxCloud, settings: Any
) -> None:
    settings.MICROSOFT_LOGIN_URL = settings.MICROSOFT_GRAPH_URL = sandbox_cloud.url
    settings.MICROSOFT_TRIES, settings.MICROSOFT_RETRY_SECONDS = 2, 0.01
    recipient(cast, "desk@partner.example", name="Dana Desk", kinds=["summary"], limited=True)
    with account_scope(cast.account.pk), acting_as(SYSTEM), patch("celery.app.task.Task.apply_async"):
        manual = sandbox_cloud.manual
        connection = connection_create_from_credentials(
            tenant_id=sandbox_cloud.tenant_id,
            client_id=manual.client_id,
            credential=SecretCredential(manual.secret),
        )
        task = BackupTask.objects.create(
            account=cast.account, connection=connection, service=Service.EXCHANGE, name="Mail of all"
        )
        back_up(task, sandbox_cloud.admin, "Adele Good")
        back_up(task, "nobody@pizza-perfecto.example", "Bob Gone")
        person = person_now(cast.owner.pk)
        assert person is not None
        with acting_as(person):
            services.report_settings_save(is_on=True, format="failures")
        with clock.travel(ReportSettings.objects.get().next_at):
            assert making.work() == 1
            assert sending.send_due() == 1
            assert making.work() == 0 and sending.send_due() == 0
    (mail,) = post.mails()
    assert mail["Subject"] == "Backup report: 1 of 1 backup tasks needs attention"
    text = mail.get_body(("plain",))
    assert text is not None and "Hello Dana Desk" in text.get_content()
    assert "1 mailbox failed." in text.get_content() and "Bob Gone" in text.get_content()
    assert mail["List-Unsubscribe"], "who is outside can end it"
    (table,) = mail.iter_attachments()
    said = table.get_content()
    rows = list(csv.DictReader(io.StringIO(said.removeprefix("\ufeff"))))
    assert [(row["Name"], row["Status"]) for row in rows] == [("Bob Gone", "Failed")]
    (bob,) = rows
    assert bob["Why"] and bob["Last good backup (UTC)"] == "" and "/entities/" in bob["Page"]
