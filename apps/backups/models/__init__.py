"""Rows of backups: tasks, entities and tags; runs, snapshots, gaps; the catalog of node versions; damage."""

from .catalog import NodeVersion
from .coverage import CoverageGap
from .damage import DamagedItem
from .entities import BackupTask, Entity, entity_sight, task_sight
from .policies import Policy
from .runs import Run, RunIssue, Snapshot
from .tags import EntityTag, Tag

__all__ = [
    "BackupTask",
    "CoverageGap",
    "DamagedItem",
    "Entity",
    "EntityTag",
    "NodeVersion",
    "Policy",
    "Run",
    "RunIssue",
    "Snapshot",
    "Tag",
    "entity_sight",
    "task_sight",
]
