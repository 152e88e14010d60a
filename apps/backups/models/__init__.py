"""Rows of backups, by concern: tasks and entities; runs and snapshots; the catalog of node versions."""

from .catalog import NodeVersion
from .entities import BackupTask, Entity
from .runs import Run, RunIssue, Snapshot

__all__ = ["BackupTask", "Entity", "NodeVersion", "Run", "RunIssue", "Snapshot"]
