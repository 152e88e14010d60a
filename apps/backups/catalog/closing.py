"""When all changes were read: end what is no longer there, and forget what dead runs left behind."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ..models.catalog import hash_of
from .draft import Draft
from .reuse import IN_LIMIT
from .seen import SeenHashes

Guard = Callable[[], AbstractContextManager[None]]
"""Opens a transaction that commits only while the run still holds its lease."""


@dataclass(slots=True)
class Listed:
    """What was listed in full in this round: folders by id, or the tree of folders itself.

    `unread` are folders that could not be read, nor those below them: none of these has gone.
    """

    folders: set[str] = field(default_factory=set)
    tree: bool = False
    unread: set[str] = field(default_factory=set)
    seen: SeenHashes = field(default_factory=SeenHashes)


def finish(draft: Draft, *, left: set[str], listed: Listed, guard: Guard) -> None:
    """End what is gone. `left` are folders that were removed in this round.

    1. Versions of dead runs that nobody adopted were never part of a snapshot: they are deleted.
    2. What a full listing did not name has ended; before the first snapshot there is nothing of that kind.
    3. Whatever is still inside a folder that ended has ended with it, down to the last subfolder.
    """
    with guard():
        draft.left_behind().delete()
    if draft.number > 1:
        for folder_id in listed.folders:
            _end_unnamed_items(draft, folder_id, listed.seen, guard)
        if listed.tree:
            left = left | _end_unnamed_folders(draft, listed, guard)
    _end_contents(draft, left, guard)


def _end_unnamed_items(draft: Draft, folder_id: str, seen: SeenHashes, guard: Guard) -> None:
    known = draft.inside(folder_id).filter(is_folder=False)
    rows = known.values_list("id", "remote_hash", "first").iterator(chunk_size=2_000)
    _end(draft, [pk for pk, hashed, first in rows if first < draft.number and hashed not in seen], guard)


def _end_unnamed_folders(draft: Draft, listed: Listed, guard: Guard) -> set[str]:
    known = draft.rows().filter(is_folder=True, gone__isnull=True)
    rows = list(known.values_list("id", "remote_id", "parent_id", "remote_hash", "first"))
    spared = _at_or_below(listed.unread, {row[1]: row[2] for row in rows})  # as they are now, renamed ones too
    old = [row for row in rows if row[4] < draft.number]
    unnamed = [row for row in old if row[3] not in listed.seen and row[1] not in spared]
    _end(draft, [row[0] for row in unnamed], guard)
    return {row[1] for row in unnamed}


def _at_or_below(tops: set[str], parents: dict[str, str | None]) -> set[str]:
    """Return these folders with all below them."""
    below: dict[str | None, list[str]] = {}
    for remote_id, parent_id in parents.items():
        below.setdefault(parent_id, []).append(remote_id)
    found, todo = set(tops), list(tops)
    while todo:
        inside = [each for each in below.get(todo.pop(), ()) if each not in found]
        found.update(inside)
        todo += inside
    return found


def _end(draft: Draft, ids: Sequence[int], guard: Guard) -> None:
    for start in range(0, len(ids), IN_LIMIT):
        with guard():
            draft.by_id(ids[start : start + IN_LIMIT]).update(gone=draft.number)


def _end_contents(draft: Draft, left: set[str], guard: Guard) -> None:
    done: set[str] = set()
    todo = sorted(left)
    while todo:
        folder_id = todo.pop()
        if folder_id in done or _is_there(draft, folder_id):
            continue
        done.add(folder_id)
        inside = draft.inside(folder_id)
        todo += inside.filter(is_folder=True).values_list("remote_id", flat=True)
        with guard():
            inside.filter(first=draft.number).delete()
            inside.update(gone=draft.number)


def _is_there(draft: Draft, folder_id: str) -> bool:
    now = draft.rows().filter(remote_hash=hash_of(folder_id), remote_id=folder_id, gone__isnull=True)
    return now.exists()
