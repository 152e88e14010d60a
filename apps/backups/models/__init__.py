"""Rows of backups: tasks and entities; runs, snapshots, gaps; the catalog of node versions; damage."""

from .catalog import NodeVersion
from .coverage import CoverageGap
from .damage import DamagedItem
from .entities import BackupTask, Entity, entity_sight, task_sight
from .runs import Run, RunIssue, Snapshot

__all__ = [
    "BackupTask",
    "CoverageGap",
    "DamagedItem",
    "Entity",
    "NodeVersion",
    "Run",
    "RunIssue",
    "Snapshot",
    "entity_sight",
    "task_sight",
]
