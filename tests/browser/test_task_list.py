"""The list of mailboxes as an administrator works with it: tags, filters, many at once, the usage report."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.backups.models import BackupTask
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_protected, make_task
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit) -> Visit:
    client = Client()
    client.force_login(cast.owner)
    visit.sign_in_as(client)
    return visit


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        make_protected(task, "Agata Brown", items=18204, size=3_910_000_000)
        make_protected(task, "Bob Smith", items=8008, size=6_580_000_000)
        make_mailbox(task, "Info", licensed=False)
        return task


def test_mailboxes_are_listed_and_chosen(olivia: Visit, task: BackupTask) -> None:
    olivia.open(reverse("task", args=[task.public_id]))
    picture(olivia, "task-list")
