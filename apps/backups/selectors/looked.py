"""What the last look for entities of a task found, for as long as who asked for it waits to hear of it."""

from datetime import timedelta
from typing import Final

from apps.activity.models import Activity, ActivityStatus
from apps.core import clock

from ..models import BackupTask

LATELY: Final = timedelta(minutes=2)


def new_lately(task: BackupTask) -> int | None:
    """Return how many a look that has just ended put on the list; None without such a look.

    Only new ones are counted: of the others some may have limited access.
    """
    ended = task.discovered_at
    if task.is_discovering or task.discovery_error or ended is None or clock.now() - ended > LATELY:
        return None
    looks = Activity.objects.filter(
        subject_id=task.public_id, code="task.discovered", status=ActivityStatus.DONE, at__gte=ended - LATELY
    )
    said = looks.order_by("-at", "-id").values_list("details", flat=True).first()
    return said.get("new") if said else None
