"""Rows of backups, by concern: tasks and entities; runs and snapshots; the catalog of node versions; damage."""

from .catalog import NodeVersion
from .damage import DamagedItem
from .entities import BackupTask, Entity, entity_sight, task_sight
from .runs import Run, RunIssue, Snapshot

__all__ = [
    "BackupTask",
    "DamagedItem",
    "Entity",
    "NodeVersion",
    "Run",
    "RunIssue",
    "Snapshot",
    "entity_sight",
    "task_sight",
]
