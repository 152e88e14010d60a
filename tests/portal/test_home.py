"""Home: one card a task, what needs somebody first, and only the buttons that this person may use."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.accounts.models import User
from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask
from apps.backups.selectors import Word
from apps.connectors.enums import ConnectionState, Service
from apps.core import clock
from apps.core.scope import account_scope
from apps.portal import home
from tests.backups.makers import make_connection, make_mailbox, make_protected, make_task
from tests.cast import Cast, member


def page_for(user: User, address: str = "/", **headers: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(address, headers=headers).content.decode()


def shown(user: User, address: str) -> list[str]:
    """The names of the tasks on the page, in their order."""
    return re.findall(r'id="open-\w+"[^>]*>([^<]+)<', page_for(user, address))


@pytest.fixture
def task(cast: Cast) -> Iterator[BackupTask]:
    with account_scope(cast.account.pk):
        yield make_task(make_connection(cast.account), name="Company mail")


def test_a_task_whose_mailboxes_are_all_kept_needs_nobody(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Agata Brown")
    page = page_for(cast.owner)
    assert "1 task. None needs you." in page
    assert "Company mail" in page and ">Success</span>" in page
    assert "1 of 1 active" in page


def test_large_numbers_are_readable() -> None:
    card = Mock(status=Word.SUCCESS, needs_somebody=False, alerts=1103)
    assert home.HomePage([card], {}).sentence == "1 task. 1,103 alerts are open."


def test_found_but_not_chosen_is_said_with_the_way_forward(cast: Cast, task: BackupTask) -> None:
    make_mailbox(task, "Agata Brown")
    page = page_for(cast.owner)
    assert "Nothing is backed up yet." in page and "We found 1 mailbox;" in page
    assert "0 of 1 activated" in page and "1 need" in page


def test_what_could_not_be_backed_up_comes_before_what_is_partial(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Agata Brown", Verdict.FAILED)
    make_protected(task, "Bob Smith", Verdict.PARTIAL)
    page = page_for(cast.owner)
    assert "1 mailbox could not be backed up." in page
    assert f"/tasks/{task.public_id}/?status=failed" in page


def test_a_lost_sign_in_stands_beside_the_backups_that_are_still_there(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Agata Brown")
    task.connection.state = ConnectionState.DISCONNECTED
    task.connection.state_reason = "The consent was withdrawn."
    task.connection.save(update_fields=["state", "state_reason"])
    page = page_for(cast.owner)
    assert "no longer accepts our sign-in" in page and "The consent was withdrawn." in page
    assert "Disconnected" in page and ">Success</span>" in page


def test_an_old_backup_is_overdue_and_never_green(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Agata Brown", last_snapshot_at=clock.now() - timedelta(days=3), next_run_at=None)
    page = page_for(cast.owner)
    assert "ek-chip-good" not in page
    assert ">Overdue</span>" in page


def test_tasks_that_need_somebody_come_first(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Agata Brown")
    make_mailbox(make_task(make_connection(cast.account), name="Zebra mail"), "Bob Smith")
    page = page_for(cast.owner)
    assert page.index("Zebra mail") < page.index("Company mail")


def test_the_buttons_are_those_of_the_person_s_rights(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Agata Brown")
    seen = {
        user.name: ("Back up now:" in page, "Settings of" in page, "Recovery:" in page)
        for user in (cast.owner, cast.operator, cast.restorer, cast.viewer)
        for page in [page_for(user)]
    }
    assert seen == {
        "Olivia Romano": (True, True, True),
        "Oskar": (True, True, False),
        "Rita": (False, False, True),
        "Vera Viewer": (False, False, False),
    }


def test_who_may_not_see_backups_is_told_whom_to_ask(cast: Cast, task: BackupTask) -> None:
    page = page_for(member(cast.account, "nadia@pizza-perfecto.example", Role.CUSTOM))
    assert "not open to you" in page and "Company mail" not in page


def test_another_account_sees_nothing_of_it(cast: Cast, task: BackupTask) -> None:
    assert "Company mail" not in page_for(cast.stranger)


def test_the_live_part_is_the_cards_without_the_frame(cast: Cast, task: BackupTask) -> None:
    make_mailbox(task, "Agata Brown", state=EntityState.ACTIVE)
    part = page_for(cast.owner, **{"HX-Request": "true"})
    assert "<html" not in part and "Company mail" in part
    assert 'id="tasks-sentence" hx-swap-oob="true"' in part


def test_a_large_account_counts_its_nights_once_a_minute(
    cast: Cast, task: BackupTask, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(home, "LARGE", 1)
    make_protected(task, "Agata Brown")
    first = home.home_page(cast.account.public_id)
    with django_assert_num_queries(6):
        again = home.home_page(cast.account.public_id)
    assert again.shown[0].nights == first.shown[0].nights


@pytest.fixture
def four(cast: Cast, task: BackupTask) -> None:
    """Complete, not chosen, failed, and one whose connection is lost while its backups are good."""
    make_protected(task, "Agata Brown")
    make_mailbox(make_task(task.connection, name="Shop counters"), "Counter one")
    make_protected(make_task(task.connection, name="Drivers"), "Dora Driver", Verdict.FAILED)
    lost = make_connection(cast.account, name="lost.example", state=ConnectionState.DISCONNECTED)
    sites = make_task(lost, name="Intranet", service=Service.SHAREPOINT)
    make_protected(sites, "Old Shop", size=5_000_000)


def test_tasks_are_found_by_name_service_status_and_connection(cast: Cast, four: None) -> None:
    found = {query: shown(cast.owner, f"/?{query}") for query in (
        "", "q=SHOP", "service=sharepoint", "status=success", "status=needs", "status=failed",
        "connection=disconnected", "order=name", "order=size", "q=nothing", "status=made-up",
    )}  # fmt: skip
    by_need = ["Drivers", "Intranet", "Shop counters", "Company mail"]
    by_name = sorted(by_need)
    assert found == {
        "": by_need,
        "q=SHOP": ["Shop counters"],
        "service=sharepoint": ["Intranet"],
        "status=success": ["Intranet", "Company mail"],
        "status=needs": by_need[:3],
        "status=failed": ["Drivers"],
        "connection=disconnected": ["Intranet"],
        "order=name": by_name,
        "order=size": ["Intranet", "Company mail", "Drivers", "Shop counters"],
        "q=nothing": [],
        "status=made-up": by_need,
    }


def test_a_filter_says_what_it_hides_and_leaves_the_sums_alone(cast: Cast, four: None) -> None:
    page = page_for(cast.owner, "/?q=drivers")
    assert "1 of 1 shown, 3 hidden by the filter" in page
    assert "4 tasks. 3 need you." in page and "3 mailboxes, 1 site" in page
    assert "No task matches this filter." in page_for(cast.owner, "/?q=nothing")


def test_many_tasks_come_in_pages_that_work_without_a_script(
    cast: Cast, four: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "CARDS_A_PAGE", 3)
    first = page_for(cast.owner)
    following = re.search(r'href="(/\?start=[^"]+)"', first)
    assert following and shown(cast.owner, "/") == ["Drivers", "Intranet", "Shop counters"]
    assert shown(cast.owner, following[1]) == ["Company mail"]
    assert shown(cast.owner, "/?start=no-task-of-ours") == shown(cast.owner, "/")
    assert f'hx-get="{following[1]}" hx-trigger="load' in page_for(cast.owner, following[1]), "asks for itself"


def test_cards_or_rows_is_each_person_s_own_choice(client: Client, cast: Cast, four: None) -> None:
    client.force_login(cast.owner)
    answer = client.post("/view/?q=drivers", {"view": "rows"})
    assert answer["Location"] == "/?q=drivers"
    page = page_for(cast.owner)
    assert "<article" not in page and "Show as cards" in page and "1 of 1 mailbox" in page
    assert page_for(cast.operator).count("<article") == 4
    client.post("/view/", {"view": "cards"})
    assert page_for(cast.owner).count("<article") == 4
