"""Large tasks are counted in the background: same figures, for everybody what they see, and no page grows."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict

from apps.accounts.selectors import actor_of
from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity, Run, TaskTally
from apps.backups.selectors import Filters, counters, entity_page, nights_of_tasks, task_cards
from apps.backups.selectors.tallies import GOOD_FOR
from apps.backups.services import tallies
from apps.backups.services.actions import act_on
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.plans import know_sizes, plan_of

from .makers import make_connection, make_mailbox, make_protected, make_run, make_task


@pytest.fixture
def large(cast: Cast, task: BackupTask, monkeypatch: pytest.MonkeyPatch) -> BackupTask:
    """A task that counts as large: six mailboxes in five words, one of them limited, with three nights."""
    monkeypatch.setattr(tallies, "LARGE", 6)
    now = clock.now()
    for name, verdict in (("Agata", Verdict.SUCCESS), ("Bob", Verdict.PARTIAL), ("Carl", Verdict.FAILED)):
        box = make_protected(task, name, verdict, first_snapshot_at=now - timedelta(days=9), size=100)
        for days in range(3):
            make_run(box, started_at=now - timedelta(days=days), verdict=verdict)
    secret = make_protected(task, "Secret", limited=True, size=5000)
    make_run(secret, started_at=now, verdict=Verdict.FAILED)
    make_mailbox(task, "Paula", state=EntityState.PAUSED)
    make_mailbox(task, "Nora")
    return task


QUERIES = ("", "status=failed", "q=a", "licence=licensed", "q=a&status=success", "status=paused")


def both(cast: Cast, task: BackupTask) -> list[Any]:
    """What the owner and a person without the right to limited mailboxes are shown."""
    found: list[Any] = []
    for user in (cast.owner, cast.viewer):
        with acting_as(actor_of(user.memberships.get())):
            lists = [counters(task, Filters.from_query(QueryDict(query))) for query in QUERIES]
            found.append((task_cards(), nights_of_tasks(clock.now()), lists))
    return found


def test_kept_counts_are_what_counting_finds_for_each_who_looks(cast: Cast, large: BackupTask) -> None:
    make_protected(make_task(large.connection, name="Small"), "Sven")
    counted = both(cast, large)
    tallies.find_large_tasks()
    assert tallies.count_large_tasks() == 1 and TaskTally.objects.get().task == large
    assert both(cast, large) == counted
    owner, viewer = (cards[0] for cards, _, _ in counted)
    assert (owner.total, owner.size) == (6, 5300) and (viewer.total, viewer.size) == (5, 300)


@pytest.mark.parametrize("size", [1, 50])
def test_a_page_that_holds_all_that_match_is_not_counted_again(
    cast: Cast, large: BackupTask, size: int, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("apps.backups.selectors.lists.PAGE_SIZE", size)
    tallies.find_large_tasks()
    tallies.count_large_tasks()
    last = Entity.objects.order_by("-name").values_list("public_id", flat=True)[0]
    for user in (cast.owner, cast.viewer):
        with acting_as(actor_of(user.memberships.get())):
            for filters in (Filters.from_query(QueryDict(query)) for query in (*QUERIES, "q=nobody")):
                found = counters(large, filters).matching
                for after in ("", str(last)):
                    page = entity_page(large, filters, after=after)
                    assert counters(large, filters, page).matching == found
    page = entity_page(large, Filters(text="a"))
    with django_assert_num_queries(1 if size == 50 else 2):
        counters(large, Filters(text="a"), page)


def test_nothing_of_a_large_task_is_read_for_the_home_page(cast: Cast, large: BackupTask) -> None:
    tallies.find_large_tasks()
    tallies.count_large_tasks()
    Entity.objects.all().delete()
    assert task_cards()[0].total == 6
    assert counters(large, Filters()).matching == 6


def test_who_changes_many_sees_it_at_once(cast: Cast, large: BackupTask) -> None:
    tallies.find_large_tasks()
    tallies.count_large_tasks()
    with acting_as(actor_of(cast.owner.memberships.get())):
        act_on(task=large, action="pause", entities=Entity.objects.filter(task=large))
        assert task_cards()[0].paused == 5
    assert tallies.count_large_tasks() == 1
    assert tallies.count_large_tasks() == 0, "once a minute is enough"


def test_counts_of_a_worker_that_stopped_are_not_shown(cast: Cast, large: BackupTask) -> None:
    tallies.find_large_tasks()
    tallies.count_large_tasks()
    Entity.objects.filter(name="Nora").delete()
    assert task_cards()[0].total == 6
    with clock.travel(clock.now() + GOOD_FOR + timedelta(seconds=1)):
        assert task_cards()[0].total == 5


def test_the_nights_of_small_tasks_are_read_by_their_mailboxes(
    cast: Cast, large: BackupTask, django_assert_num_queries: Any
) -> None:
    """The history of years, and of others, is not walked through: by the index of an entity's runs."""
    now = clock.now()
    Run.objects.bulk_create(
        Run(account=cast.account, entity=box, started_at=now - timedelta(hours=hours), verdict=Verdict.SUCCESS)
        for box in Entity.objects.filter(task=large)
        for hours in range(0, 8_000, 10)
    )
    know_sizes(Run)
    with account_scope(cast.account.pk), django_assert_num_queries(4) as asked:
        nights_of_tasks(now)
    query = next(each["sql"] for each in asked.captured_queries if 'JOIN "run"' in each["sql"])
    plan = plan_of(query)
    assert "run_newest" in plan, plan


def test_a_task_of_another_account_is_counted_in_its_own(cast: Cast, large: BackupTask) -> None:
    with account_scope(cast.other_account.pk):
        foreign = make_task(make_connection(cast.other_account))
        for number in range(6):
            make_protected(foreign, f"Foreign {number}")
    assert tallies.find_large_tasks() == 2
    assert tallies.count_large_tasks() == 2
    with account_scope(cast.other_account.pk):
        assert task_cards()[0].by_word == {"success": 6}
