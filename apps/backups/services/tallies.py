"""Count large tasks in the background, so that their pages need not (`selectors.tallies` reads)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count

from apps.core import clock
from apps.core.scope import account_scope, every_account

from ..models import BackupTask, Entity, TaskTally
from ..selectors.nights import beginnings, first_night, nights_since
from ..selectors.tallies import grouped

LARGE = 2_000
"""From here on counting a task costs a page more than 10 ms."""
EACH, NIGHTS_EACH = timedelta(seconds=45), timedelta(minutes=10)


def find_large_tasks() -> int:
    """Begin to keep counts of tasks that have grown large; returns how many have."""
    with every_account("tasks of all accounts may have grown large"):
        sizes = Entity.objects.order_by().values("account_id", "task_id").annotate(number=Count("id"))
        large = [
            TaskTally(account_id=row["account_id"], task_id=row["task_id"])
            for row in sizes.filter(number__gte=LARGE, task__tally__isnull=True)
        ]
        TaskTally.objects.bulk_create(large, ignore_conflicts=True)
    return len(large)


def count_large_tasks() -> int:
    """Count each large task whose counts are not of this minute."""
    with every_account("large tasks of all accounts are counted in turn"):
        wanted = list(TaskTally.objects.order_by("counted_at").values_list("account_id", "pk"))
    counted = 0
    for account_id, pk in wanted:
        with account_scope(account_id):
            counted += count_again(pk)
    return counted


def count_again(pk: int) -> bool:
    """Count one task, unless somebody just has."""
    now = clock.now()
    tally = TaskTally.objects.select_related("task").filter(pk=pk).first()
    if tally is None or (tally.counted_at is not None and now - tally.counted_at < EACH):
        return False
    fresh: dict[str, Any] = {"counted_at": now, "groups": _groups(tally.task)}
    if tally.nights_at is None or now - tally.nights_at > NIGHTS_EACH:
        fresh |= {
            "nights_at": now,
            "nights": _nights(tally, now),
            "began": [
                [day.isoformat(), limited, number] for _, day, limited, number in beginnings([tally.task_id])
            ],
        }
    # Whoever changed something meanwhile (`forget_tally`) is not overruled by what was counted before that.
    same = TaskTally.objects.filter(pk=pk, counted_at=tally.counted_at)
    return bool(same.update(**fresh))


def forget_tally(task: BackupTask) -> None:
    """Somebody changed many entities of a task and waits to see it: pages count until the next round."""
    TaskTally.objects.filter(task=task).update(counted_at=None)


def _groups(task: BackupTask) -> list[list[Any]]:
    rows = grouped(Entity.objects.filter(task=task))
    return [[*row[1:6], _text(row[6]), _text(row[7])] for row in rows]


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _nights(tally: TaskTally, now: datetime) -> list[list[Any]]:
    """All fourteen once a day; else yesterday and today, beside what is kept of the days before."""
    first = first_night(now)
    if tally.nights_at is not None and tally.nights_at.astimezone(UTC).date() == now.astimezone(UTC).date():
        first = (now.astimezone(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    kept = [row for row in tally.nights if row[0] < first.date().isoformat()]
    fresh = nights_since(first, [tally.task_id])
    return kept + [[day.isoformat(), *numbers] for _, day, *numbers in fresh]
