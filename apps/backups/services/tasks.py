"""Make a backup task and change its settings."""

from typing import Any

from django.db import transaction

from apps.activity import services as activity
from apps.connectors.enums import Service
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.sight import whole_sight

from ..enums import EntityState
from ..models import BackupTask, Entity
from ..schedule import next_start
from .discovery import start_discovery

SETTINGS = ("name", "frequency", "hour", "include_unlicensed", "auto_activate", "recoverable_items", "shelf")


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
    task.save(update_fields=list(changes))
    if {"frequency", "hour"} & changes.keys():
        _replan(task)
    if "include_unlicensed" in changes:
        start_discovery(task=task)
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


def _replan(task: BackupTask) -> None:
    now = clock.now()
    with whole_sight("the task's rhythm holds for all its mailboxes"):
        waiting = Entity.objects.filter(task=task, state=EntityState.ACTIVE, next_run_at__gt=now)
        waiting.update(next_run_at=next_start(task.frequency, task.hour, now))
