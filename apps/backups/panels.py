"""Parts of a task's pages for apps above: the head with its tabs, for pages that they add (`task_tabs`)."""

from typing import Any

from . import selectors
from .models import BackupTask
from .views.context import task_head


def task_panel(task: BackupTask, current: str) -> dict[str, Any]:
    """What `backups/_task_head.html` needs; `current` is the key of the tab."""
    return {**task_head(task, current), "total": selectors.counters(task, selectors.Filters())}
