"""What was read but is not yet in the catalog."""

import time
from dataclasses import dataclass, field

from apps.connectors.base import (
    FetchProblem,
    FolderCount,
    FolderFailed,
    FolderListed,
    FoldersListed,
    Removal,
    Upsert,
)

from ..catalog import Drop, Entry, Keep, Put
from .context import Limits
from .issues import Trouble
from .units import Unit


@dataclass(slots=True)
class Batch:
    """Entries in the provider's order, and the troubles among them. Written in one transaction."""

    entries: list[Entry] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    marks: list[FolderListed | FoldersListed | FolderCount | FolderFailed] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    bytes_only: int = 0  # items whose bytes were fetched, without an entry
    fetched: int = 0
    reused: int = 0
    bytes: int = 0
    since: float = field(default_factory=time.monotonic)

    def __bool__(self) -> bool:
        return bool(self.entries or self.marks or self.bytes_only)

    def is_full(self, limits: Limits) -> bool:
        return len(self.entries) >= limits.batch_items or self.bytes >= limits.batch_bytes

    def seconds_left(self, limits: Limits) -> float | None:
        """Return how long the batch may wait for more, None when it is empty."""
        return max(0.0, self.since + limits.batch_seconds - time.monotonic()) if self else None

    def add(self, unit: Unit) -> None:
        """Take over a unit whose items all have an answer."""
        if unit.bytes_only:
            self.bytes_only += len(unit.changes)
            return
        for change in unit.changes:
            if isinstance(change, Upsert) and not unit.again:
                self.named.append(change.remote_id)
            match change:
                case Upsert(is_folder=True):
                    self.entries.append(Put(change))
                case Upsert():
                    self._add_item(change, unit)
                case Removal():
                    self.entries.append(Drop(change))
                case _:
                    self.marks.append(change)

    def _add_item(self, item: Upsert, unit: Unit) -> None:
        answer = unit.answer(item.remote_id)
        if isinstance(answer, FetchProblem):
            self.entries.append(Keep(item))
            self.troubles.append(Trouble(item, answer))
            return
        self.entries.append(Put(item, answer.content, answer.size))
        if problem := unit.not_whole(item.remote_id):
            self.troubles.append(Trouble(item, problem))
        if item.remote_id in unit.fetched:
            self.fetched += 1
            self.bytes += answer.size
        else:
            self.reused += 1
