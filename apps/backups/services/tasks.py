"""Make a backup task and change its settings."""

from typing import Any

from django.db import transaction
from django.db.models import Model

from apps.activity import services as activity
from apps.connectors.enums import Service
from apps.connectors.models import Connection

from ..exclusions import Exclusions
from ..models import BackupTask
from ..planning import replan
from ..schedules import Schedule
from ..schedules.words import schedule_words
from .discovery import start_discovery

SETTINGS = (
    "name", "schedule", "policy", "exclusions", "include_unlicensed", "auto_activate", "recoverable_items",
    "inplace_archives", "shelf", "concurrency", "precedence", "after_task", "after_outcomes", "after_minutes",
)  # fmt: skip
RHYTHM = {"schedule", "policy", "after_task"}


@transaction.atomic
def create_task(*, connection: Connection, service: Service, name: str) -> BackupTask:
    """Make a task on a connection and begin to look for what it can protect."""
    task = BackupTask.objects.create(
        account_id=connection.account_id, connection=connection, service=service, name=name
    )
    start_discovery(task=task)
    activity.record(
        "task.created",
        service=service,
        task_label=name,
        item_label=name,
        subject_id=task.public_id,
        audited=f"On {connection}",
    )
    return task


@transaction.atomic
def change_settings(*, task: BackupTask, **wanted: Any) -> dict[str, list[Any]]:
    """Change the named settings; returns {setting: [before, after]} of those that differ.

    A new rhythm moves the next start of what waits; what is due already is not put off.
    """
    task = BackupTask.objects.select_for_update().get(pk=task.pk)
    changes = {key: [getattr(task, key), wanted[key]] for key in SETTINGS if key in wanted}
    changes = {key: pair for key, pair in changes.items() if pair[0] != pair[1]}
    if not changes:
        return {}
    for key, (_, after) in changes.items():
        setattr(task, key, after)
    if "after_task" in changes:
        task.after_slot = None  # the rounds of another task were counted there
    task.save(update_fields=[*changes, "after_slot"])
    if RHYTHM & changes.keys():
        replan(task)
    if "include_unlicensed" in changes:
        start_discovery(task=task)
    changes = {key: [_plain(key, value) for value in pair] for key, pair in changes.items()}
    said = (f"{key.replace('_', ' ')} from {before} to {after}" for key, (before, after) in changes.items())
    activity.record(
        "task.changed",
        service=task.service,
        task_label=task.name,
        item_label=task.name,
        subject_id=task.public_id,
        changes=changes,
        audited="Changed " + ", ".join(said),
    )
    return changes


def _plain(key: str, value: Any) -> Any:
    """Say a value as the activity keeps it: what people read, not what a column holds."""
    if key == "schedule":
        return schedule_words(Schedule.from_json(value))
    if key == "exclusions":
        return Exclusions.from_json(value).words()
    return str(value) if isinstance(value, Model) else value
