"""What all pages of activation need."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.backups.models import BackupTask
from apps.backups.panels import task_panel
from apps.backups.selectors import uuid_of


def activation_panel(task: BackupTask) -> dict[str, Any]:
    """Head and tabs of the task, with ours as the current one."""
    return task_panel(task, "activation")


def uuids_of(texts: Iterable[str]) -> list[UUID]:
    """The ids among these texts; what is none is left out."""
    return [found for found in map(uuid_of, texts) if found is not None]
