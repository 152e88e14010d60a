"""Which columns of which rows a journal keeps, and how they become rows again."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from apps.vault.api import JournalCorrupt

from ..models import Entity, Run, RunIssue, Snapshot

M = TypeVar("M", bound=models.Model)
Said = dict[str, Any]

ACCOUNT: Final = ("id", "public_id", "name", "location")
CONNECTION: Final = ("public_id", "provider", "tenant_id", "name", "client_id", "credential_kind")
TASK: Final = (
    "public_id", "service", "name", "schedule", "retention", "exclusions", "include_unlicensed",
    "auto_activate", "recoverable_items", "inplace_archives",
)  # fmt: skip
ENTITY: Final = ("public_id", "remote_id", "kind", "name", "address", "licensed", "properties", "limited")
SNAPSHOT: Final = (
    "public_id", "number", "taken_at", "verdict", "items", "folders", "size", "added", "changed", "removed",
    "folder_totals", "coverage", "cursor",
)  # fmt: skip
RUN: Final = (
    "public_id", "trigger", "verdict", "started_at", "finished_at", "message", "items_expected", "items_stored",
    "items_reused", "items_removed", "items_skipped", "items_failed", "bytes_received", "bytes_stored", "calls",
    "throttled",
)  # fmt: skip
ISSUE: Final = (
    "public_id", "kind", "cause", "remote_id", "parent_id", "label", "folder_label", "what", "do", "upsert",
    "open",
)  # fmt: skip


def who(entity: Entity) -> Said:
    """Describe whose backup it is, in words that hold in another database. No secrets."""
    task, connection = entity.task, entity.task.connection
    return {
        "account": _said(task.account, ACCOUNT),
        "connection": _said(connection, CONNECTION),
        "task": _said(task, TASK),
        "entity": _said(entity, ENTITY),
    }


def snapshot_and_run(snapshot: Snapshot, run: Run) -> Said:
    return {"snapshot": _said(snapshot, SNAPSHOT), "run": _said(run, RUN)}


def issue(row: RunIssue) -> Said:
    return _said(row, ISSUE)


def columns(model: type[M], said: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return what a journal says as values of model fields. Raises JournalCorrupt.

    A column that the journal does not have (written by an earlier release) keeps its default.
    """
    if not isinstance(said, dict):
        raise JournalCorrupt(f"A journal does not say which {model._meta.verbose_name} it is about.")
    fields: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    try:
        return {name: fields[name].to_python(said[name]) for name in names if name in said}
    except (ValidationError, TypeError) as error:
        raise JournalCorrupt(f"A journal's {model._meta.verbose_name} does not parse: {error}.") from error


def _said(row: models.Model, names: Iterable[str]) -> Said:
    return {name: getattr(row, name) for name in names}
