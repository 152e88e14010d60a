"""A committed snapshot in numbers, from the catalog and the vault's index: nothing that did not change is read.

That something was encrypted shows in that it does not compress any more, and how well it compressed is what the
vault wrote down when it stored it. Only heads of mails are opened, and few of them (endings.py).
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.backups.enums import Verdict
from apps.backups.models import Entity, Snapshot
from apps.backups.selectors.indexing import Chain
from apps.backups.selectors.measuring import ItemState, Turn, turns_of
from apps.backups.selectors.policies import rules_of
from apps.core.sight import whole_sight
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.vault.api import ContentPart, Role, Stored, decode_content, how_stored

from .endings import EXTENSION, other_endings
from .models import Measure

log = logging.getLogger(__name__)
DOES_NOT_COMPRESS: Final = 0.98
LEAST_FILE: Final = 1_024  # bytes: of less, what compresses says nothing
FIRST, RULE, RESTORE, UNREAD = "first", "rule", "restore", "unread"


def measure(snapshot: Snapshot, before: Measure | None, rule: str) -> Measure:
    """Return the row of a snapshot, not saved. `before` is the last one of the same kind of data.

    `rule` is the `rule_digest` of its entity.
    """
    row = Measure(
        account_id=snapshot.account_id,
        entity_id=snapshot.entity_id,
        sub_service=snapshot.sub_service,
        snapshot_number=snapshot.number,
        taken_at=snapshot.taken_at,
        added=snapshot.added,
        changed=snapshot.changed,
        removed=snapshot.removed,
        items=snapshot.items,
        size=snapshot.size,
        is_good=snapshot.verdict == Verdict.SUCCESS,
        rule=rule,
    )
    if snapshot.number == 1:  # all of it is new, whatever it is
        row.came, row.left_out = snapshot.size, FIRST
        return row
    if before is not None and before.rule != row.rule:
        row.left_out = RULE
    elif restored_into(snapshot.entity, before.taken_at if before else None, snapshot.taken_at):
        row.left_out = RESTORE
    try:
        _look_into(row)
    except Exception:  # what strangers wrote into an item must not end the alerts of its mailbox
        log.exception("snapshot %s of %s could not be looked into", snapshot.number, snapshot.entity_id)
        row.left_out = row.left_out or UNREAD
    return row


def rule_digest(entity: Entity) -> str:
    """Return what stands for the rules by which the entity is backed up: another one is another measure."""
    with whole_sight("rules hold whoever sees the mailbox"):
        task = entity.task
        said = [rules_of(entity)["exclusions"].value, task.recoverable_items, task.inplace_archives]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def restored_into(entity: Entity, since: datetime | None, until: datetime) -> bool:
    """Tell whether we wrote into this mailbox ourselves in that time."""
    if since is None:
        return False
    with whole_sight("a restore was there whoever sees it"):
        jobs = Job.objects.filter(
            kind__in=(JobKind.RESTORE, JobKind.UNDO), destination_id=entity.public_id, started_at__lt=until
        )
        return jobs.exclude(finished_at__lt=since).exists()


def _look_into(row: Measure) -> None:
    turns = turns_of(Chain(row.account_id, row.entity_id, row.sub_service), row.snapshot_number)
    both = [turn for turn in turns.rows if turn.before and turn.after]
    seen = _Seen(row.account_id, turns.rows)
    times = row.changed / len(both) if turns.is_sample and both else 1.0
    row.rewritten = round(sum(_is_rewritten(turn) for turn in both) * times)
    row.refiled = round(sum(_is_refiled(turn) for turn in both) * times)
    row.turned = round(sum(seen.is_turned(turn) for turn in both) * times)
    row.renamed = sum(map(_is_renamed, both)) / len(both) if both else 0.0
    row.other_endings = other_endings(row.account_id, turns.rows, times)
    row.opaque = seen.opaque_share(turns.rows)
    kept = sum(turn.after.size for turn in both if turn.after and not _is_rewritten(turn))
    row.came = max(turns.came - round(kept * times), 0)


def files_of(item: ItemState | None) -> frozenset[bytes]:
    """Return the blobs of an item's files: attachments, and what was cut out of a message."""
    if item is None or not item.content:
        return frozenset()
    return frozenset(blob for part in decode_content(item.content) for blob in _file_blobs(part))


def _file_blobs(part: ContentPart) -> Iterable[bytes]:
    if part.role in (Role.ATTACHMENT, Role.FILE):
        return part.blobs
    return part.blobs[part.recipe.skeleton_blobs :] if part.recipe else ()


def _is_rewritten(turn: Turn) -> bool:
    assert turn.before is not None
    assert turn.after is not None
    return turn.before.content != turn.after.content


def _is_refiled(turn: Turn) -> bool:
    assert turn.before is not None
    assert turn.after is not None
    return turn.before.parent_hash != turn.after.parent_hash


def _is_renamed(turn: Turn) -> bool:
    """Tell whether the name ended like that of a file, and ends otherwise now."""
    assert turn.before is not None
    assert turn.after is not None
    was, now = EXTENSION.search(turn.before.name), EXTENSION.search(turn.after.name)
    return was is not None and (now is None or was[0].lower() != now[0].lower())


@dataclass(slots=True, init=False)
class _Seen:
    """How well the files that a snapshot brought compress."""

    _stored: dict[bytes, Stored]

    def __init__(self, account_id: int, turns: list[Turn]) -> None:
        fresh = {blob for turn in turns for blob in files_of(turn.after) - files_of(turn.before)}
        self._stored = how_stored(account_id, fresh) if fresh else {}

    def is_turned(self, turn: Turn) -> bool:
        """Tell whether files of the item were replaced by such that do not compress."""
        was, now = files_of(turn.before), files_of(turn.after)
        return bool(was - now) and any(map(self._is_opaque, now - was))

    def opaque_share(self, turns: list[Turn]) -> float | None:
        whole = opaque = 0
        for turn in turns:
            for blob in files_of(turn.after) - files_of(turn.before):
                stored = self._stored.get(blob)
                if stored is not None and stored.plain >= LEAST_FILE:
                    whole += stored.plain
                    opaque += stored.plain if self._is_opaque(blob) else 0
        return opaque / whole if whole else None

    def _is_opaque(self, blob: bytes) -> bool:
        stored = self._stored.get(blob)
        if stored is None or stored.plain < LEAST_FILE:
            return False
        return stored.packed >= stored.plain * DOES_NOT_COMPRESS
