"""Enter one batch of changes into a draft: one look-up, a decision per node in memory, three writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from apps.core.bulk import insert_rows, moment_adapter

from ..models import NodeVersion
from ..models.catalog import hash_of
from .draft import Draft, Drop, Entry, Keep, Put
from .reuse import in_batches
from .state import NodeState, Version, Writes, hash_or_none, version_of

_FIELDS = Version._fields
COLUMNS = (
    "account_id", "entity_id", "sub_service", "remote_hash", "remote_id", "parent_hash", "parent_id",
    "is_folder", "well_known", "name", "author", "recipients", "time", "size", "has_attachments", "etag",
    "content", "props", "first", "gone", "run_id",
)  # fmt: skip


@dataclass(slots=True)
class Applied:
    """What a batch came to. Folders that left take their contents along, once all changes were read.

    `kept` are items that stay as an earlier backup has them (`Keep`).
    """

    written: int = 0
    unchanged: int = 0
    ended: int = 0
    folders_left: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)


def apply(draft: Draft, entries: Sequence[Entry]) -> Applied:
    """Enter changes in the provider's order, in the caller's transaction. The last word on a node counts."""
    states = _load(draft, {_remote_id(entry) for entry in entries})
    applied = Applied()
    for entry in entries:
        _enter(draft, states, entry, applied)
    writes = Writes()
    for state in states.values():
        writes.collect(state, draft.number)
        applied.unchanged += state.now is not None and state.now is state.old
    _write(draft, writes)
    applied.written, applied.ended = len(writes.insert), len(writes.end)
    return applied


def _enter(draft: Draft, states: dict[str, NodeState], entry: Entry, applied: Applied) -> None:
    state = states.setdefault(_remote_id(entry), NodeState())
    match entry:
        case Put():
            state.put(version_of(entry, draft.number, draft.run_id))
        case Keep():
            state.keep(entry.upsert.parent_id, draft.number, draft.run_id)
            if state.now is not None:
                applied.kept.add(entry.upsert.remote_id)
        case Drop():
            was = state.now
            state.drop(entry.removal)
            if was is not None and was.is_folder and state.now is None:
                applied.folders_left.add(was.remote_id)


def _remote_id(entry: Entry) -> str:
    return entry.removal.remote_id if isinstance(entry, Drop) else entry.upsert.remote_id


def _load(draft: Draft, remote_ids: set[str]) -> dict[str, NodeState]:
    """Return what the last snapshot and the draft say about these nodes.

    Asked for by hash alone: with a word on `first` or `gone`, SQLite would rather read the whole mailbox.
    """
    states: dict[str, NodeState] = {}
    for hashes in in_batches([hash_of(remote_id) for remote_id in remote_ids]):
        for row in draft.rows().filter(remote_hash__in=draft.known(hashes)).values_list(*_FIELDS):
            version = _version(row)
            if version.remote_id in remote_ids and version.gone in (None, draft.number):
                _place(draft, states.setdefault(version.remote_id, NodeState()), version)
    return states


def _place(draft: Draft, state: NodeState, version: Version) -> None:
    assert version.id is not None
    if version.first == draft.number:
        state.written.append(version.id)
        if version.run_id == draft.run_id:
            state.now = version
        return
    state.old = version
    if version.gone is None and state.now is None:
        state.now = version


def _version(row: Sequence[Any]) -> Version:
    version = Version(*row)
    return version._replace(content=bytes(version.content), props=bytes(version.props))


def _write(draft: Draft, writes: Writes) -> None:
    for ids in in_batches(writes.delete):
        draft.by_id(ids).delete()
    for ids in in_batches(writes.end):
        draft.by_id(ids).update(gone=draft.number)
    for ids in in_batches(writes.revive):
        draft.by_id(ids).update(gone=None)
    insert_rows(NodeVersion, COLUMNS, row_values(draft, writes.insert))


def row_values(draft: Draft, versions: Sequence[Version]) -> Iterator[Sequence[Any]]:
    """Yield the rows of versions, in the order of COLUMNS."""
    moment = moment_adapter(connection)
    for v in versions:
        yield (
            draft.account_id, draft.entity_id, draft.sub_service, hash_of(v.remote_id), v.remote_id,
            hash_or_none(v.parent_id), v.parent_id, v.is_folder, v.well_known, v.name, v.author, v.recipients,
            None if v.time is None else moment(v.time), v.size, v.has_attachments, v.etag, v.content, v.props,
            v.first, v.gone, v.run_id,
        )  # fmt: skip
