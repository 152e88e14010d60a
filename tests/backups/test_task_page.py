"""The list of mailboxes: filters, pages, counters, what is live, and what it costs."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.activity.services import record
from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors import Filters, counters, entity_page
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import Cast

from .makers import make_connection, make_mailbox, make_protected, make_run, make_task


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def shown(task: BackupTask, **filters: str) -> list[str]:
    return [row.entity.name for row in entity_page(task, Filters(**filters)).rows]


def make_many(task: BackupTask, number: int) -> None:
    Entity.objects.bulk_create(
        Entity(
            account_id=task.account_id,
            task=task,
            remote_id=f"r{n}",
            kind="user_mailbox",
            name=f"Name {n % 40:02}",
        )
        for n in range(number)
    )


def test_a_name_that_no_database_takes_is_nobodys(olivia: Client, task: BackupTask) -> None:
    bob = make_mailbox(task, "Bob Smith")
    assert "Bob Smith" in olivia.get(reverse("task", args=[task.public_id]), {"q": "b\0ob"}).text
    query = urlencode({"q": "b\0ob"})
    everybody = {"action": "activate", "all_matching": "1"}
    olivia.post(f"{reverse('task_act', args=[task.public_id])}?{query}", everybody)
    bob.refresh_from_db()
    assert bob.state == "not_active"


def test_name_and_address_are_searched_in_any_case(task: BackupTask) -> None:
    make_mailbox(task, "Agata Brown")
    make_mailbox(task, "Bob Smith", address="chef@pizza-perfecto.example")
    assert shown(task, text="BROWN") == ["Agata Brown"]
    assert shown(task, text="chef@") == ["Bob Smith"]


def test_wildcards_in_the_search_are_letters(task: BackupTask) -> None:
    make_mailbox(task, "Agata Brown")
    assert shown(task, text="%") == [] and shown(task, text="_") == []


def test_status_and_licence_narrow_the_list(task: BackupTask) -> None:
    make_protected(task, "Agata Brown")
    make_protected(task, "Bob Smith", Verdict.PARTIAL, licensed=False)
    make_mailbox(task, "Info", licensed=False)
    assert shown(task, status="partial") == ["Bob Smith"]
    assert shown(task, licence="unlicensed") == ["Bob Smith", "Info"]
    assert shown(task, licence="unlicensed", status="not_active") == ["Info"]


def test_filters_live_in_the_address_and_nonsense_in_it_is_ignored(olivia: Client, task: BackupTask) -> None:
    make_mailbox(task, "Agata Brown")
    make_mailbox(task, "Bob Smith")
    address = reverse("task", args=[task.public_id])
    page = olivia.get(address, {"q": "agata", "status": "green", "licence": "'", "after": "x"})
    assert "Agata Brown" in page.text and "Bob Smith" not in page.text
    assert "1 of 1 shown, 1 hidden by the filter" in page.text


@pytest.mark.database
def test_pages_go_forth_and_back_without_losing_or_repeating_anybody(task: BackupTask) -> None:
    make_many(task, 125)
    seen: list[int] = []
    after, pages = "", []
    while True:
        page = entity_page(task, Filters(), after=after)
        pages.append([row.entity.pk for row in page.rows])
        seen += pages[-1]
        if not page.next:
            break
        after = page.next
    everybody = list(Entity.objects.order_by("name", "id").values_list("id", flat=True))
    assert seen == everybody and [len(each) for each in pages] == [50, 50, 25]
    back = entity_page(task, Filters(), before=page.previous)
    assert [row.entity.pk for row in back.rows] == pages[1] and back.previous and back.next


@pytest.mark.database
def test_the_page_costs_the_same_number_of_queries_for_ten_and_for_three_hundred(
    olivia: Client, task: BackupTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = reverse("task", args=[task.public_id])
    make_many(task, 10)
    olivia.get(address)
    with CaptureQueriesContext(
        connection,
    ) as few:
        olivia.get(address)
    make_many_more(task)
    with CaptureQueriesContext(connection) as many:
        olivia.get(address)
    over_entities = [query["sql"] for query in many.captured_queries if 'FROM "entity"' in query["sql"]]
    assert len(many) == len(few) and len(over_entities) == 3


def make_many_more(task: BackupTask) -> None:
    Entity.objects.bulk_create(
        Entity(account_id=task.account_id, task=task, remote_id=f"m{n}", kind="user_mailbox", name=f"More {n}")
        for n in range(300)
    )


def test_counters_add_up_in_one_query_beside_the_look_for_kept_ones(
    task: BackupTask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_protected(task, "Agata Brown", size=5)
    make_protected(task, "Bob Smith", Verdict.FAILED, size=7, licensed=False)
    make_mailbox(task, "Mila Scott", state=EntityState.PAUSED)
    make_mailbox(task, "Linda Fuller", state=EntityState.ARCHIVED)
    make_mailbox(task, "Info", licensed=None)
    with django_assert_num_queries(2):
        total = counters(task, Filters(text="b"))
    assert (total.total, total.active, total.paused, total.archived, total.not_active) == (5, 2, 1, 1, 1)
    assert (total.licensed, total.size, total.word) == (3, 12, "failed")
    assert total.matching == 2


def test_a_task_shows_the_worst_of_its_active_mailboxes(task: BackupTask) -> None:
    make_mailbox(task, "Mila Scott", state=EntityState.PAUSED, last_verdict=Verdict.FAILED)
    assert counters(task, Filters()).word == "paused"
    make_protected(task, "Agata Brown")
    assert counters(task, Filters()).word == "success"
    make_protected(task, "Bob Smith", Verdict.PARTIAL)
    assert counters(task, Filters()).word == "partial"


def test_the_page_asks_again_only_while_something_moves(olivia: Client, task: BackupTask) -> None:
    agata = make_protected(task, "Agata Brown", next_run_at=clock.now() + timedelta(hours=9))
    address = reverse("task", args=[task.public_id])
    assert "every 5s" not in olivia.get(address).text
    Entity.objects.filter(pk=agata.pk).update(
        lease_owner="worker:1", lease_until=clock.now() + timedelta(minutes=1)
    )
    make_run(agata, items_stored=1204)
    page = olivia.get(address).text
    assert "every 5s" in page and "In progress, 1,204 items" in page


def test_a_live_answer_brings_figures_and_stops_when_all_is_still(olivia: Client, task: BackupTask) -> None:
    agata = make_protected(task, "Agata Brown")
    address = reverse("task_live", args=[task.public_id])
    fingerprint = entity_page(task, Filters()).fingerprint
    answer = olivia.get(address, {"shown": fingerprint}, headers={"HX-Request": "true"})
    assert f'id="status-{agata.public_id.hex}" hx-swap-oob="true"' in answer.text
    assert "every 5s" not in answer.text and "<table" not in answer.text


def test_a_live_answer_brings_the_whole_list_when_other_rows_stand_in_it(
    olivia: Client, task: BackupTask
) -> None:
    make_mailbox(task, "Agata Brown")
    BackupTask.objects.filter(pk=task.pk).update(discovering_since=clock.now())
    answer = olivia.get(
        reverse("task_live", args=[task.public_id]), {"shown": "0"}, headers={"HX-Request": "true"}
    )
    assert "Agata Brown" in answer.text and answer.headers["HX-Retarget"] == "#entities"
    assert "every 5s" in answer.text


def test_a_fresh_task_says_that_it_looks_and_fills_in(olivia: Client, task: BackupTask) -> None:
    BackupTask.objects.filter(pk=task.pk).update(discovering_since=clock.now())
    page = olivia.get(reverse("task", args=[task.public_id])).text
    assert "Looking for mailboxes." in page and "every 5s" in page


@pytest.mark.parametrize(
    ("new", "said"),
    [(0, "No new mailboxes found."), (1, "1 new mailbox found."), (3, "3 new mailboxes found.")],
)
def test_what_a_look_found_is_said_while_it_is_news(
    olivia: Client, task: BackupTask, new: int, said: str
) -> None:
    for name in ("Ann", "Bob"):
        make_mailbox(task, name)
    now, address = clock.now(), reverse("task", args=[task.public_id])
    BackupTask.objects.filter(pk=task.pk).update(discovered_at=now)
    with clock.travel(now):
        assert "found." not in olivia.get(address).text
        record("task.discovered", subject_id=task.public_id, found=2, new=new)
        assert said in olivia.get(address).text
        assert said in olivia.get(reverse("task_live", args=[task.public_id])).text
    with clock.travel(now + timedelta(minutes=3)):
        assert said not in olivia.get(address).text


def test_why_discovery_failed_stands_on_the_page(olivia: Client, task: BackupTask) -> None:
    BackupTask.objects.filter(pk=task.pk).update(discovery_error="Microsoft did not answer.")
    assert "Microsoft did not answer." in olivia.get(reverse("task", args=[task.public_id])).text


def test_a_reminder_stands_there_while_nothing_is_active(olivia: Client, task: BackupTask) -> None:
    for number in range(9):
        make_mailbox(task, f"Person {number}")
    page = olivia.get(reverse("task", args=[task.public_id])).text
    assert "0 of 9 mailboxes have active backups." in page


@pytest.mark.parametrize("name", ["task", "task_live", "task_settings"])
def test_a_foreign_task_and_a_missing_one_are_the_same_answer(client: Client, cast: Cast, name: str) -> None:
    with account_scope(cast.other_account.pk):
        foreign = make_task(make_connection(cast.other_account))
    client.force_login(cast.owner)
    missing = "00000000-0000-7000-8000-000000000000"
    answers: list[Any] = [client.get(reverse(name, args=[key])) for key in (foreign.public_id, missing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert "Mail" not in answers[0].text.replace("E-mail", "").split("<main")[1]
