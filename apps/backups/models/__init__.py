"""Rows of backups: tasks, entities, tags, policies; runs, snapshots, catalog; gaps, holds, hooks, reports."""

from .catalog import NodeVersion
from .coverage import CoverageGap
from .damage import DamagedItem
from .deletions import Deletion
from .entities import BackupTask, Entity, entity_sight, task_sight
from .erasures import ErasedItem, ErasedPlace, Erasure
from .holds import HeldPart, Hold
from .hooks import Hook, HookLetter, HookRound
from .news import News, NewsTold
from .policies import Policy, PolicyTag
from .reports import Report, ReportCopy, ReportSettings
from .retention import AccountRetention, Expiry, MarkClock
from .runs import Run, RunIssue, Snapshot
from .tags import EntityTag, Tag
from .tallies import TaskTally
from .turns import AccountTurn

__all__ = [
    "AccountRetention",
    "AccountTurn",
    "BackupTask",
    "CoverageGap",
    "DamagedItem",
    "Deletion",
    "Entity",
    "EntityTag",
    "ErasedItem",
    "ErasedPlace",
    "Erasure",
    "Expiry",
    "HeldPart",
    "Hold",
    "Hook",
    "HookLetter",
    "HookRound",
    "MarkClock",
    "News",
    "NewsTold",
    "NodeVersion",
    "Policy",
    "PolicyTag",
    "Report",
    "ReportCopy",
    "ReportSettings",
    "Run",
    "RunIssue",
    "Snapshot",
    "Tag",
    "TaskTally",
    "entity_sight",
    "task_sight",
]
