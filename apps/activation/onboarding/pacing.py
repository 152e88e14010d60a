"""Give each day its batch: look at how yesterday came out, plan today by that, start who comes next, report.

Once a day per onboarding, in one transaction under its lock. A day that was missed is not made up for by a
double one: what counts is how many first backups are still going on.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from apps.accounts.enums import Role
from apps.accounts.models import Membership
from apps.accounts.selectors import stopped_accounts
from apps.activity import services as activity
from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity, Run
from apps.backups.selectors.elsewhere import elsewhere_of
from apps.backups.services.activation import start_by_rule
from apps.connectors.enums import ConnectionState
from apps.core import clock
from apps.core.sight import sees_everything
from apps.notifications.letters import Letter
from apps.notifications.services import notify

from ..models import Onboarding, OnboardingDay, OnboardingStart, OnboardingState
from .quota import Measured, Pace, pace_of

SAMPLE: Final = 500
LOOK_BACK: Final = 3
AT_ONCE: Final = 1000


def onboardings_due() -> "QuerySet[Onboarding]":
    """Those that run, of connected tasks, and got no batch today."""
    running = Onboarding.objects.filter(state=OnboardingState.RUNNING)
    awake = running.exclude(account__in=stopped_accounts())
    connected = awake.filter(task__connection__state=ConnectionState.CONNECTED)
    return connected.exclude(worked_on__gte=clock.now().date()).order_by("pk")


def waiting_of(task: BackupTask) -> "QuerySet[Entity]":
    """Whose first backup has not been started: not active, with a mailbox, the licensed first.

    The provider does not tell whose mail is the newest before it is read; within a mailbox the order of
    reading is the provider's too. So it is people before shared mailboxes, by name. Whose backups a person
    deleted is left alone.
    """
    listed = Entity.objects.filter(task=task, state=EntityState.NOT_ACTIVE, reachable=True, by_hand=False)
    idle = listed.filter(first_snapshot_at__isnull=True)
    return idle.order_by(F("licensed").desc(nulls_last=True), "name", "pk")


def going_on(onboarding: Onboarding) -> "QuerySet[OnboardingStart]":
    """Whose first backup was started and is not there yet; the paused and archived no longer count."""
    return OnboardingStart.objects.filter(
        onboarding=onboarding,
        entity__first_snapshot_at__isnull=True,
        entity__state=EntityState.ACTIVE,
    )


def measured_of(onboarding: Onboarding) -> Measured:
    """What the latest first backups cost: medians, since one huge mailbox says nothing about the others."""
    rows = Run.objects.filter(
        entity__in=OnboardingStart.objects.filter(onboarding=onboarding).values("entity"),
        started_at__lte=F("entity__first_snapshot_at"),
        finished_at__isnull=False,
        verdict__in=[Verdict.SUCCESS, Verdict.PARTIAL],
    )
    runs = list(rows.order_by("-id").values_list("calls", "started_at", "finished_at")[:SAMPLE])
    if not runs:
        return Measured()
    return Measured(
        backups=len(runs),
        requests=float(median(calls for calls, _, _ in runs)),
        seconds=float(median((end - start).total_seconds() for _, start, end in runs if end)),
    )


def pace_now(onboarding: Onboarding | None) -> Pace:
    """The plan of a day as it looks now; without an onboarding, before anything was measured."""
    workers = settings.BACKUP_WORKERS
    if onboarding is None:
        return pace_of(Measured(), workers)
    return pace_of(measured_of(onboarding), workers, lately=_lately(onboarding))


def _lately(onboarding: Onboarding) -> list[int]:
    """What the last full days came to, if each fell short of what it could have done; else nothing."""
    days = OnboardingDay.objects.filter(onboarding=onboarding, finished__isnull=False)
    last = [(day.finished or 0, min(day.planned, day.left)) for day in days.order_by("-day")[:LOOK_BACK]]
    short = len(last) == LOOK_BACK and all(came < could for came, could in last)
    return [came for came, _ in last] if short else []


@transaction.atomic
def work(onboarding_id: int) -> OnboardingDay | None:
    """Give today its batch. None when it has one, or the onboarding does not run."""
    rows = Onboarding.objects.select_for_update().filter(pk=onboarding_id, state=OnboardingState.RUNNING)
    onboarding, today = rows.first(), clock.now().date()
    if onboarding is None or (onboarding.worked_on is not None and onboarding.worked_on >= today):
        return None
    _close_days(onboarding, today)
    task, pace = onboarding.task, pace_now(onboarding)
    waiting, busy = waiting_of(task), going_on(onboarding).count()
    elsewhere = elsewhere_of(task)
    ids = [pk for pk, remote_id in waiting.values_list("pk", "remote_id") if remote_id not in elsewhere]
    batch = ids[: max(0, pace.a_day - busy)]
    _start(onboarding, batch, today)
    left = len(ids) + busy
    day = OnboardingDay.objects.create(
        account_id=onboarding.account_id,
        onboarding=onboarding,
        day=today,
        planned=pace.a_day,
        started=len(batch),
        left=left,
        ends_on=today + timedelta(days=max(0, pace.days(left) - 1)) if left else today,
        binds=pace.binds,
    )
    state = OnboardingState.RUNNING if left else OnboardingState.DONE
    Onboarding.objects.filter(pk=onboarding.pk).update(worked_on=today, state=state)
    _report(onboarding, day, pace)
    return day


def _close_days(onboarding: Onboarding, today: date) -> None:
    for day in OnboardingDay.objects.filter(onboarding=onboarding, finished__isnull=True, day__lt=today):
        finished = OnboardingStart.objects.filter(
            onboarding=onboarding, entity__first_snapshot_at__date=day.day
        ).count()
        OnboardingDay.objects.filter(pk=day.pk).update(finished=finished)


def _start(onboarding: Onboarding, ids: Sequence[int], today: date) -> None:
    """Activate these; they run as workers are free, not at the task's hour."""
    for at in range(0, len(ids), AT_ONCE):
        some = ids[at : at + AT_ONCE]
        start_by_rule(task=onboarding.task, entity_ids=some)
        Entity.objects.filter(pk__in=some, state=EntityState.ACTIVE).update(next_run_at=clock.now())
        OnboardingStart.objects.bulk_create(
            [
                OnboardingStart(
                    account_id=onboarding.account_id, onboarding=onboarding, entity_id=pk, day=today
                )
                for pk in some
            ],
            ignore_conflicts=True,
        )


def _report(onboarding: Onboarding, day: OnboardingDay, pace: Pace) -> None:
    """One line of activity and one letter a day, to who sees everybody: its numbers are counted over all."""
    task = onboarding.task
    began = OnboardingStart.objects.filter(onboarding=onboarding)
    done = began.filter(entity__first_snapshot_at__isnull=False).count()
    yesterday = onboarding.days.filter(day__lt=day.day).order_by("-day").first()
    facts: dict[str, Any] = {
        "started": day.started,
        "finished_yesterday": (yesterday.finished or 0) if yesterday else 0,
        "done": done,
        "left": day.left,
    }
    activity.record(
        "onboarding.reported",
        service=task.service,
        task_label=task.name,
        item_label=task.name,
        subject_id=task.public_id,
        **facts,
    )

    def letter() -> Letter | None:
        if not sees_everything():
            return None
        return Letter(
            "onboarding_day",
            {"task": task.name, "day": day, "pace": pace, **facts},
            link=f"/tasks/{task.public_id}/onboarding/",
            link_words="See the onboarding",
            facts={"task": str(task.public_id), "name": task.name, **facts},
            service=task.service,
            task_id=task.public_id,
        )

    notify("discovery", letter, extra=_administrators(onboarding.account_id))


def _administrators(account_id: int) -> list[str]:
    rows = Membership.objects.filter(
        account_id=account_id, role=Role.ADMINISTRATOR, is_active=True, user__is_active=True
    )
    return list(rows.order_by("pk").values_list("user__email", flat=True))
