"""When an entity runs again: on its task's rhythm, sooner after a failure."""

from datetime import datetime, timedelta

from apps.core import clock

from ..enums import Verdict
from ..models import BackupTask, Run
from ..schedule import DAY, INTERVALS

ROUTINE, ON_DEMAND = 100, 10
_BACK_OFF = (5, 15, 45, 120, 240)  # minutes


def next_slot(frequency: str, hour: int, after: datetime) -> datetime:
    """Return the start of the next run on the task's hour (UTC). However many were missed, it is one.

    Slots of several days are counted from the day of `after`, so a run that began late keeps its hour.
    """
    step = INTERVALS[frequency]
    slot = after.replace(hour=hour, minute=0, second=0, microsecond=0)
    if step > DAY:
        return slot + step if slot <= after else slot + step - DAY
    slot -= DAY
    while slot <= after:
        slot += step
    return slot


def after_failure(entity_id: int, regular: datetime, *, at_least: float | None = None) -> datetime:
    """Return when to try again: 5 minutes after the first failure in a row, later each time, never too late.

    `at_least` are the seconds that a provider asked for.
    """
    verdicts = (
        Run.objects.filter(entity_id=entity_id)
        .exclude(verdict=Verdict.RUNNING)  # the one that ends right now
        .order_by("-started_at", "-id")
    )
    streak = 1
    for verdict in verdicts.values_list("verdict", flat=True)[: len(_BACK_OFF)]:
        if verdict != Verdict.FAILED:
            break
        streak += 1
    minutes = _BACK_OFF[min(streak, len(_BACK_OFF)) - 1]
    wait = max(timedelta(minutes=minutes), timedelta(seconds=at_least or 0))
    return min(regular, clock.now() + wait)


def slot_after_run(task: BackupTask) -> datetime:
    """Return the regular next start of an entity whose run has just ended."""
    return next_slot(task.frequency, task.hour, clock.now())
