"""When an entity runs again: on its schedule, sooner after a failure."""

from datetime import datetime, timedelta

from apps.core import clock

from ..enums import RunPriority, Verdict
from ..models import Entity, Run
from ..planning import schedule_of

ROUTINE, ON_DEMAND = RunPriority.ROUTINE, RunPriority.ON_DEMAND
_BACK_OFF = (5, 15, 45, 120, 240)  # minutes


def entity_now(entity_id: int) -> Entity:
    """Read an entity anew with all that its schedule depends on."""
    rows = Entity.objects.select_related("task__connection", "task__policy", "task__after_task")
    return rows.get(pk=entity_id)


def after_failure(entity: Entity, *, at_least: float | None = None) -> datetime | None:
    """Return when to try again: 5 minutes after the first failure in a row, later each time, never too late.

    `at_least` are the seconds that a provider asked for. What runs on demand only is given up after five tries.
    """
    regular = slot_after_run(entity)
    verdicts = (
        Run.objects.filter(entity=entity)
        .exclude(verdict=Verdict.RUNNING)  # the one that ends right now
        .order_by("-started_at", "-id")
    )
    streak = 1
    for verdict in verdicts.values_list("verdict", flat=True)[: len(_BACK_OFF)]:
        if verdict != Verdict.FAILED:
            break
        streak += 1
    if regular is None and streak > len(_BACK_OFF):
        return None
    minutes = _BACK_OFF[min(streak, len(_BACK_OFF)) - 1]
    wait = max(timedelta(minutes=minutes), timedelta(seconds=at_least or 0))
    again = clock.now() + wait
    return again if regular is None else min(regular, again)


def slot_after_run(entity: Entity, *, soon: bool = False) -> datetime | None:
    """Return the regular next start of an entity whose run has just ended; one, however many were missed.

    `soon`: of a run that its schedule stopped or did not let begin. Like a first backup it goes on at the next
    hour that it may, not in a month.
    """
    first = soon or entity.first_snapshot_at is None
    return schedule_of(entity).next_start(clock.now(), first=first)
