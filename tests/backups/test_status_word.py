"""One word for an entity: state, verdict, age and running."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors import Filters, entity_page
from apps.backups.selectors.status import Facts, Word, narrowed_to, status_word, word_expression, word_of
from apps.connectors.enums import EntityKind
from apps.core.status import look_of
from tests.plans import know_sizes, plan_of

from .makers import make_mailbox

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRESH = {"state": EntityState.ACTIVE, "overdue_at": NOW + 26 * HOUR, "next_run_at": NOW + 14 * HOUR}


def word(**facts: Any) -> Word:
    blank = {"state": "active", "last_verdict": "", "next_run_at": None}
    return status_word(
        Facts(**{**blank, "lease_owner": "", "lease_until": None, "overdue_at": None, **facts}), NOW
    )


def test_a_found_mailbox_is_not_active() -> None:
    assert word(state=EntityState.NOT_ACTIVE) == Word.NOT_ACTIVE


def test_an_activated_mailbox_is_scheduled_until_its_first_run() -> None:
    assert word(next_run_at=NOW + 8 * HOUR) == Word.SCHEDULED


def test_asking_for_a_backup_shows_that_it_waits_for_a_worker() -> None:
    assert word(**{**FRESH, "next_run_at": NOW}, last_verdict=Verdict.FAILED) == Word.PENDING


def test_a_live_lease_is_in_progress_and_a_dead_one_is_not() -> None:
    good = {**FRESH, "last_verdict": Verdict.SUCCESS, "lease_owner": "worker:1"}
    assert word(**good, lease_until=NOW + HOUR) == Word.IN_PROGRESS
    assert word(**good, lease_until=NOW - HOUR) == Word.SUCCESS


def test_a_backup_that_was_sent_to_a_worker_but_not_taken_up_is_pending() -> None:
    assert word(**FRESH, lease_owner="dispatched:1", lease_until=NOW + HOUR) == Word.PENDING


@pytest.mark.parametrize("verdict", [Verdict.SUCCESS, Verdict.PARTIAL, Verdict.FAILED, Verdict.CANCELLED])
def test_the_last_verdict_is_the_word_while_it_is_recent(verdict: Verdict) -> None:
    assert word(**FRESH, last_verdict=verdict) == verdict.value


def test_green_runs_out_when_its_time_has_come() -> None:
    old = {**FRESH, "last_verdict": Verdict.SUCCESS}
    assert word(**old | {"overdue_at": NOW - HOUR}) == Word.OVERDUE
    assert word(**old | {"overdue_at": NOW + HOUR}) == Word.SUCCESS


def test_a_backup_nobody_starts_for_half_a_day_is_overdue_and_not_pending() -> None:
    assert word(next_run_at=NOW - 13 * HOUR) == Word.OVERDUE


def test_a_failed_run_stays_failed_however_old_the_last_good_one_is() -> None:
    assert word(**{**FRESH, "overdue_at": NOW - 99 * HOUR}, last_verdict=Verdict.FAILED) == Word.FAILED


def test_paused_and_archived_speak_before_the_verdict() -> None:
    assert word(state=EntityState.PAUSED, last_verdict=Verdict.FAILED) == Word.PAUSED
    assert word(state=EntityState.ARCHIVED, last_verdict=Verdict.SUCCESS) == Word.ARCHIVED


def test_every_word_has_its_look_in_the_design_system() -> None:
    assert {look_of(each).word for each in Word} == {each.label for each in Word}


moments = st.none() | st.integers(-400, 400).map(lambda hours: NOW + hours * HOUR + timedelta(minutes=7))


@pytest.mark.database
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    state=st.sampled_from(EntityState.values),
    verdict=st.sampled_from(["", *Verdict.values]),
    overdue_at=moments,
    next_run_at=moments,
    lease_until=moments,
    lease_owner=st.sampled_from(["", "worker:1", "dispatched:1"]),
)
def test_the_database_says_the_same_word_as_python(
    task: BackupTask, state: str, verdict: str, lease_owner: str, **moment: datetime | None
) -> None:
    Entity.objects.all().delete()
    entity = make_mailbox(
        task,
        "Agata",
        state=state,
        last_verdict=verdict,
        overdue_at=moment["overdue_at"],
        next_run_at=moment["next_run_at"],
        lease_owner=lease_owner,
        lease_until=moment["lease_until"],
    )
    said = Entity.objects.annotate(word=word_expression(NOW)).values_list("word", flat=True).get()
    assert said == word_of(entity, NOW).value
    listed = [word for word in Word if narrowed_to(word, Entity.objects.all(), NOW).exists()]
    assert listed == [said], "a list by status finds it under its word and no other"


@pytest.mark.database
@pytest.mark.parametrize(("status", "index"), [("failed", "entity_by_verdict"), ("paused", "entity_by_state")])
def test_a_list_by_status_is_read_by_an_index(
    task: BackupTask, status: str, index: str, django_assert_num_queries: Any
) -> None:
    verdicts = [Verdict.FAILED, *[Verdict.SUCCESS] * 99]
    states = [*[EntityState.ACTIVE] * 99, EntityState.PAUSED]
    Entity.objects.bulk_create(
        Entity(
            account_id=task.account_id, task=task, remote_id=f"id-{n}", name=f"User {n:04}",
            kind=EntityKind.USER_MAILBOX, state=states[n % 100], last_verdict=verdicts[n % 100],
        )
        for n in range(2_000)
    )  # fmt: skip
    know_sizes(Entity)
    with django_assert_num_queries(3) as asked:  # the mailboxes, their tags, whether any is on hold
        entity_page(task, Filters(status=status))
    plan = plan_of(asked.captured_queries[0]["sql"])
    assert index in plan, plan
