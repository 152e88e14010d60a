"""The sample organisation: two clicks to a task of invented data, marked as such, only beside a sandbox."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.backups.models import BackupTask, Entity
from apps.backups.services.discovery import discover
from apps.connectors.models import Connection
from apps.connectors.services import connection_mark_disconnected
from apps.core.management.commands.serve import SANDBOX_TENANT
from apps.core.scope import account_scope
from apps.sandbox.testing import SandboxCloud
from tests.cast import Cast
from tests.fixtures.sandbox import sandbox_cloud, sandbox_server

__all__ = ["sandbox_cloud", "sandbox_server"]
OFFER = "Try it with a sample organisation"


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


@pytest.fixture
def _with_sandbox(sandbox_cloud: SandboxCloud, settings: Any) -> None:
    settings.MICROSOFT_LOGIN_URL = settings.MICROSOFT_GRAPH_URL = sandbox_cloud.url
    settings.MICROSOFT_CLIENT_ID = sandbox_cloud.portal.client_id
    settings.MICROSOFT_CLIENT_SECRET = sandbox_cloud.portal.secret
    settings.SANDBOX_TENANT_ID = SANDBOX_TENANT


def test_without_a_sandbox_nobody_is_offered_one(olivia: Client) -> None:
    page = olivia.get("/").text
    assert "Add your first backup task" in page and OFFER not in page
    assert olivia.post(reverse("sample")).status_code == 404


@pytest.mark.usefixtures("_with_sandbox")
def test_two_clicks_lead_from_an_empty_home_to_a_task_of_invented_mailboxes(olivia: Client, cast: Cast) -> None:
    assert SandboxCloud.tenant_id == SANDBOX_TENANT
    assert OFFER in olivia.get("/").text
    assert "data is in it" in olivia.get(reverse("sample")).text
    answer = olivia.post(reverse("sample"), follow=True)
    assert "Sample mailboxes" in answer.text and "Sample data" in answer.text
    with account_scope(cast.account.pk):
        task = BackupTask.objects.get()
        assert task.discovering_since is not None
        assert discover(task_id=task.pk, since=task.discovering_since) is not None
        assert Entity.objects.count() > 3
    assert "Sample data" in olivia.get("/").text
    assert OFFER not in olivia.get("/").text


@pytest.mark.usefixtures("_with_sandbox")
def test_trying_again_connects_what_was_lost_and_makes_nothing_twice(olivia: Client, cast: Cast) -> None:
    olivia.post(reverse("sample"))
    with account_scope(cast.account.pk):
        connection_mark_disconnected(connection=Connection.objects.get(), reason="Lost.")
    olivia.post(reverse("sample"))
    with account_scope(cast.account.pk):
        assert Connection.objects.get().state == "connected"
        assert BackupTask.objects.count() == 1


@pytest.mark.usefixtures("_with_sandbox")
def test_a_sandbox_that_does_not_answer_is_said_and_leaves_nothing(
    olivia: Client, cast: Cast, settings: Any
) -> None:
    settings.MICROSOFT_GRAPH_URL = "http://127.0.0.1:1"
    assert "does not answer" in olivia.post(reverse("sample")).text
    with account_scope(cast.account.pk):
        assert not Connection.objects.exists()
