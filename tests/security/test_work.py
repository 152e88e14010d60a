"""Work that a person started, for each of the cast: a worker asks again what that person may do when it begins.

A task of Celery's without a row here fails.
"""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from apps.accounts.models import Membership
from apps.core.scope import account_scope
from apps.jobs import registry, runner
from apps.jobs.base import JobResult
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.recovery import tasks
from apps.recovery.enums import PlanState
from config.celery import app
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.recovery.factories import Mailbox, make_entity, make_plan
from tests.security.url_rows import PEOPLE

# Who starts it: a person, whose rights are asked again (below), or the clock, which shows nobody anything. A
# backup or a discovery that a person orders only moves forward what the clock does anyway.
BY_A_PERSON = {"apps.jobs.tasks.run_job", "apps.recovery.tasks.make_plan"}
BY_THE_CLOCK = {
    "apps.accounts.saml.tasks.refresh_providers",
    "apps.accounts.tasks.forget_what_is_over",
    "apps.accounts.tasks.look_after_accounts",
    "apps.activation.tasks.follow_rule",
    "apps.activation.tasks.follow_rules",
    "apps.activation.tasks.onboard",
    "apps.activation.tasks.onboard_all",
    "apps.activity.tasks.send_stream",
    "apps.activity.tasks.send_streams",
    "apps.activity.tasks.check_chain",
    "apps.activity.tasks.look_after_chain",
    "apps.activity.tasks.look_after_chains",
    "apps.alerts.tasks.measure_account",
    "apps.alerts.tasks.send_measuring",
    "apps.backups.discovery_tasks.discover_due_tasks",
    "apps.backups.discovery_tasks.discover_task",
    "apps.backups.tasks.count_large_tasks",
    "apps.backups.tasks.delete_what_is_due",
    "apps.backups.tasks.erase_what_is_due",
    "apps.backups.tasks.find_large_tasks",
    "apps.backups.tasks.look_after_retention",
    "apps.backups.tasks.look_for_ended_rounds",
    "apps.backups.tasks.make_reports",
    "apps.backups.tasks.purge_usage_files",
    "apps.backups.tasks.retention_night",
    "apps.backups.tasks.run_entity",
    "apps.backups.tasks.send_hook",
    "apps.backups.tasks.send_hooks",
    "apps.backups.tasks.send_reports",
    "apps.backups.tasks.tell_news",
    "apps.backups.tasks.tell_news_of",
    "apps.backups.tasks.tick",
    "apps.alerts.standing_tasks.forget_old_alerts",
    "apps.alerts.standing_tasks.look_at_accounts",
    "apps.alerts.standing_tasks.look_at_one",
    "apps.alerts.standing_tasks.look_at_room",
    "apps.alerts.standing_tasks.look_at_room_of",
    "apps.billing.gateway.tasks.handle_event",
    "apps.billing.gateway.tasks.look_after_payments",
    "apps.billing.gateway.tasks.reconcile",
    "apps.billing.gateway.tasks.settle_account",
    "apps.billing.gateway.tasks.warn_of_card",
    "apps.billing.tasks.bill_account",
    "apps.billing.tasks.bill_all",
    "apps.jobs.tasks.dispatch_jobs",
    "apps.notifications.tasks.forget_old_letters",
    "apps.notifications.tasks.send_letters",
    "apps.notifications.tasks.send_letters_of",
    "apps.recovery.tasks.do_drill",
    "apps.recovery.tasks.forget_replaced",
    "apps.recovery.tasks.purge_exports",
    "apps.recovery.tasks.schedule_drills",
    "apps.search.tasks.bring_in",
    "apps.search.tasks.send_index_work",
    "apps.vault.health_tasks.dispatch_checks",
    "apps.vault.health_tasks.heal_account",
    "apps.vault.health_tasks.schedule_checks",
    "apps.vault.health_tasks.work_on_check",
    "apps.vault.tasks.collect_account",
    "apps.vault.tasks.collect_garbage",
    "apps.vault.tasks.extend_locks",
    "apps.vault.tasks.extend_locks_of",
    "apps.vault.tasks.finish_keys",
    "apps.vault.tasks.keep_account_copies",
    "apps.vault.tasks.look_after_copies",
}
MAY = {
    JobKind.RESTORE: {"owner", "restorer"},
    JobKind.EXPORT: {"owner", "restorer"},
    JobKind.MOVE: {"owner"},
}


@pytest.fixture(autouse=True)
def _no_broker() -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"):
        yield


def outcome(cast: Cast, person: str, kind: str, **fields: Any) -> str:
    """Let a job of this person's be run by a worker; returns how it ended."""
    job = new_job(cast.owner, items=0)
    Job_ = Job._base_manager
    Job_.filter(pk=job.pk).update(kind=kind, initiator_id=getattr(cast, person).pk, **fields)
    ran = []

    def handler(context: Any) -> JobResult:
        ran.append(context.job.pk)
        return JobResult()

    before = dict(registry._kinds)
    registry.register(kind, handler)
    try:
        with account_scope(cast.account.pk):
            ending = runner.run(job.pk)
    finally:
        registry._kinds.clear()
        registry._kinds.update(before)
    assert bool(ran) == (ending == "succeeded")
    return str(ending)


@pytest.mark.parametrize("kind", list(MAY))
def test_a_job_is_done_for_who_could_start_it_today(cast: Cast, kind: JobKind) -> None:
    people = [person for person in PEOPLE if person != "anonymous"]
    done = {person for person in people if outcome(cast, person, kind) == "succeeded"}
    assert done == MAY[kind]


def test_a_job_on_a_mailbox_that_was_limited_since_is_not_gone_on_with(cast: Cast) -> None:
    with account_scope(cast.account.pk):
        bob, carla = make_entity("Bob"), make_entity("Carla", "carla@pizza-perfecto.example", limited=True)
    for field in ("entity_id", "destination_id"):
        assert outcome(cast, "restorer", JobKind.RESTORE, **{field: bob.public_id}) == "succeeded"
        assert outcome(cast, "restorer", JobKind.RESTORE, **{field: carla.public_id}) == "failed"
        assert outcome(cast, "owner", JobKind.RESTORE, **{field: carla.public_id}) == "succeeded"


@pytest.mark.parametrize("ways", ["Bob to Bob", "Bob to Carla", "Carla to Bob", "Carla to Carla"])
def test_a_job_is_seen_by_who_sees_both_of_its_mailboxes(cast: Cast, ways: str) -> None:
    with account_scope(cast.account.pk):
        boxes = {
            "Bob": make_entity("Bob").public_id,
            "Carla": make_entity("Carla", "carla@pizza-perfecto.example", limited=True).public_id,
        }
    entity, destination = (boxes[name] for name in ways.split(" to "))
    said = outcome(cast, "restorer", JobKind.RESTORE, entity_id=entity, destination_id=destination)
    assert said == ("failed" if "Carla" in ways else "succeeded")


def test_a_job_of_somebody_who_was_switched_off_or_removed_is_not_done(cast: Cast) -> None:
    Membership.objects.filter(user=cast.restorer).update(is_active=False)
    assert outcome(cast, "restorer", JobKind.EXPORT) == "failed"
    Membership.objects.filter(user=cast.restorer).delete()
    assert outcome(cast, "restorer", JobKind.EXPORT) == "failed"


@pytest.mark.parametrize("person", [person for person in PEOPLE if person != "anonymous"])
def test_a_plan_is_looked_at_for_who_may_restore(cast: Cast, person: str) -> None:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox")
        plan = make_plan(box.day(), mode="skip", user_id=getattr(cast, person).pk)
        with patch.object(tasks, "plan_make") as made:
            made.return_value.state = PlanState.READY
            said = tasks.make_plan(account_id=cast.account.pk, plan_id=plan.pk)
        plan.refresh_from_db()
    assert (said == PlanState.READY) == (person in MAY[JobKind.RESTORE]) == made.called
    if not made.called:
        assert plan.state == PlanState.FAILED and "no longer" in plan.message


def test_every_task_has_a_row() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if name.startswith("apps.")}
    assert ours == BY_A_PERSON | BY_THE_CLOCK, "say in this table who starts it"
