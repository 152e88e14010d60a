"""The tabs of a backup task's pages. Apps above, and other packages, add theirs in `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from apps.core.permissions import Permission, allowed

from .models import BackupTask
from .service_list import nouns_of

Label = str | Callable[[BackupTask], str]


@dataclass(frozen=True, slots=True)
class TaskTab:
    """One page of a task. `url_name` takes the task's public id; shown to who has `permission`."""

    key: str
    label: Label
    url_name: str
    permission: Permission
    order: int


@dataclass(frozen=True, slots=True)
class DrawnTab:
    """A tab as the head of a page draws it."""

    key: str
    words: str
    url: str
    current: bool


_tabs: dict[str, TaskTab] = {}


def register_task_tab(
    key: str, label: Label, url_name: str, permission: Permission = Permission.VIEW, *, order: int = 50
) -> None:
    """Add a page to every task. The list has order 10, coverage 20, schedule 80, hooks 85, settings 90."""
    _tabs[key] = TaskTab(key, label, url_name, permission, order)


def tabs_of(task: BackupTask, current: str) -> list[DrawnTab]:
    """Return the tabs that the actor in force may open, in their order."""
    shown = sorted((tab for tab in _tabs.values() if allowed(tab.permission)), key=lambda tab: tab.order)
    return [
        DrawnTab(
            tab.key,
            tab.label(task) if callable(tab.label) else tab.label,
            reverse(tab.url_name, args=[task.public_id]),
            tab.key == current,
        )
        for tab in shown
    ]


def register_own_tabs() -> None:
    """The pages that every task has."""
    register_task_tab("list", _entities, "task", order=10)
    register_task_tab("coverage", "Coverage", "task_coverage", order=20)
    register_task_tab("schedule", "Schedule", "task_schedule", Permission.MODIFY, order=80)
    register_task_tab("settings", "Settings", "task_settings", Permission.MODIFY, order=90)


def _entities(task: BackupTask) -> str:
    many = nouns_of(task.service).many
    return many[0].upper() + many[1:]
