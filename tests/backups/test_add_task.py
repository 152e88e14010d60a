"""Adding a backup task, and changing its settings."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity
from apps.backups import discovery_tasks
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors import suggested_name
from apps.connectors.enums import ConnectionState, Service
from apps.connectors.models import Connection
from apps.core.scope import account_scope
from apps.search.services import is_indexed
from tests.cast import Cast

from .makers import make_connection

EXCHANGE = "/tasks/new/exchange/"


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    messages: list[Any] = []
    monkeypatch.setattr(discovery_tasks.discover_task, "after_commit", lambda **sent: messages.append(sent))
    return messages


@pytest.fixture
def connection(cast: Cast) -> Connection:
    with account_scope(cast.account.pk):
        return make_connection(cast.account)


def test_all_services_are_listed_and_those_not_built_say_so(olivia: Client) -> None:
    page = olivia.get(reverse("task_new")).text
    assert all(label in page for label in Service.labels)
    assert page.count("Not built yet") == len(Service) - 1


@pytest.mark.parametrize("service", ["onedrive", "no-such-service"])
def test_a_service_that_is_not_built_has_no_page(olivia: Client, service: str) -> None:
    assert olivia.get(f"/tasks/new/{service}/").status_code == 404


def test_a_task_is_made_its_discovery_started_and_its_page_shown(
    olivia: Client, connection: Connection, cast: Cast, sent: list[Any]
) -> None:
    answer = olivia.post(EXCHANGE, {"name": "Our mail", "connection": str(connection.public_id)})
    with account_scope(cast.account.pk):
        task = BackupTask.objects.get()
        assert (task.name, task.service, task.connection_id) == ("Our mail", "exchange", connection.pk)
        assert task.is_discovering and [message["task_id"] for message in sent] == [task.pk]
        assert Activity.objects.get(code="task.created").actor_label == "Olivia Romano"
    assert answer.headers["Location"] == reverse("task", args=[task.public_id])
    assert "Looking for mailboxes." in olivia.get(answer.headers["Location"]).text


def test_a_name_is_suggested_that_no_other_task_has(task: BackupTask) -> None:
    assert suggested_name(Service.EXCHANGE) == "Microsoft Exchange"
    BackupTask.objects.filter(pk=task.pk).update(name="Microsoft Exchange")
    assert suggested_name(Service.EXCHANGE) == "Microsoft Exchange 2"


def test_without_a_connection_the_way_leads_over_connecting_and_back_with_the_name(olivia: Client) -> None:
    assert "No organisation is connected yet" in olivia.get(EXCHANGE).text
    answer = olivia.post(EXCHANGE, {"name": "Our mail & more", "connect": "1"})
    target = urlsplit(answer.headers["Location"])
    back = parse_qs(target.query)["next"][0]
    assert target.path == reverse("connection_new")
    assert "Our mail &amp; more" in olivia.get(back).text


def test_the_connection_made_meanwhile_is_chosen(olivia: Client, connection: Connection, cast: Cast) -> None:
    with account_scope(cast.account.pk):
        make_connection(cast.account, name="newer.example", tenant_id="tenant-2")
    page = olivia.get(EXCHANGE, {"connection": str(connection.public_id)}).text
    assert f'value="{connection.public_id}" checked' in page


@pytest.mark.parametrize("which", ["foreign", "disconnected", "nonsense", "none"])
def test_a_connection_that_cannot_be_used_makes_no_task(
    olivia: Client, connection: Connection, cast: Cast, which: str
) -> None:
    value = "nonsense"
    if which == "foreign":
        with account_scope(cast.other_account.pk):
            value = str(make_connection(cast.other_account).public_id)
    if which == "disconnected":
        with account_scope(cast.account.pk):
            broken = make_connection(cast.account, tenant_id="tenant-3", state=ConnectionState.DISCONNECTED)
        value = str(broken.public_id)
    data = {"name": "Our mail"} | ({} if which == "none" else {"connection": value})
    answer = olivia.post(EXCHANGE, data)
    assert answer.status_code == 200 and "organisation" in answer.text
    with account_scope(cast.account.pk):
        assert not BackupTask.objects.exists()


def test_a_task_needs_a_name(olivia: Client, connection: Connection) -> None:
    answer = olivia.post(EXCHANGE, {"name": "  ", "connection": str(connection.public_id)})
    assert "Nothing was saved." in answer.text


def settings_of(task: BackupTask, **changes: Any) -> dict[str, Any]:
    return {"name": task.name, "precedence": task.precedence, "switch-indexed": "on", **changes}


def save(client: Client, task: BackupTask, **changes: Any) -> Any:
    return client.post(reverse("task_settings", args=[task.public_id]), settings_of(task, **changes))


def test_settings_are_saved_with_before_and_after_in_the_activity(olivia: Client, task: BackupTask) -> None:
    switched = {"auto_activate": "on", "inplace_archives": "on"}
    assert save(olivia, task, name="All mail", **switched).status_code == 302
    task.refresh_from_db()
    assert (task.name, task.auto_activate, task.inplace_archives) == ("All mail", True, True)
    changes = Activity.objects.get(code="task.changed").details["changes"]
    assert changes == {"name": ["Mail", "All mail"], **{key: [False, True] for key in switched}}


def test_saving_without_a_change_writes_nothing(olivia: Client, task: BackupTask) -> None:
    save(olivia, task)
    assert not Activity.objects.exists()


def test_a_switch_of_another_app_is_turned_in_the_settings(olivia: Client, task: BackupTask) -> None:
    save(olivia, task, **{"switch-indexed": ""})
    assert Activity.objects.get().code == "search.switched" and not is_indexed(task)
    save(olivia, task)
    assert is_indexed(task)


def test_including_people_without_a_licence_looks_for_them_at_once(
    olivia: Client, task: BackupTask, sent: list[Any]
) -> None:
    save(olivia, task, include_unlicensed="on")
    assert len(sent) == 1


def test_look_for_new_mailboxes_starts_a_discovery_once(
    olivia: Client, task: BackupTask, sent: list[Any]
) -> None:
    address = reverse("task_discover", args=[task.public_id])
    olivia.post(address)
    answer = olivia.post(address, follow=True)
    assert len(sent) == 1 and "Already looking for mailboxes." in answer.text
    assert Entity.objects.count() == 0


@pytest.mark.parametrize("address", ["task_settings", "task_discover"])
def test_a_viewer_may_not_change_a_task(client: Client, cast: Cast, task: BackupTask, address: str) -> None:
    client.force_login(cast.viewer)
    assert client.post(reverse(address, args=[task.public_id]), settings_of(task)).status_code == 403
