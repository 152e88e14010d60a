"""Pages of changes cut into units: small enough to wait for, in the provider's order."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from apps.connectors.base import Change, FetchProblem, Upsert

from ..catalog import Stored

Answer = Stored | FetchProblem


@dataclass(slots=True)
class Unit:
    """Some changes and, by remote id, what is known of the contents of their items.

    `fetching` is done when every item has an answer. `fetched` are those that were downloaded. `lenders` are
    earlier units that fetch the same state of an item: providers repeat themselves. `missing_files`: why an
    item that is stored is not whole. `again`: these failed in
    earlier runs, and the provider has not named them in this one. `anew`: what is stored of them is damaged.
    `bytes_only`: they ended; their bytes are wanted, nothing of them is entered. `stored`: what is kept of them
    in this very state is fetched for its sake, so no rule is asked again.
    """

    changes: Sequence[Change]
    answers: dict[str, Answer] = field(default_factory=dict)
    fetching: "asyncio.Task[None] | None" = None
    fetched: set[str] = field(default_factory=set)
    lenders: dict[str, "Unit"] = field(default_factory=dict)
    missing_files: dict[str, FetchProblem] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    again: bool = False
    anew: bool = False
    bytes_only: bool = False

    def items(self) -> list[Upsert]:
        return [c for c in self.changes if isinstance(c, Upsert) and not c.is_folder]

    def missing(self) -> list[str]:
        """Return the ids of items that must be downloaded, each once."""
        known = self.answers.keys() | self.lenders.keys()
        return list(dict.fromkeys(i.remote_id for i in self.items() if i.remote_id not in known))

    def answer(self, remote_id: str) -> Answer:
        """Return what is known of an item. Lenders come earlier in the order, so they have their answers."""
        lender = self.lenders.get(remote_id)
        return lender.answer(remote_id) if lender is not None else self.answers[remote_id]

    def not_whole(self, remote_id: str) -> FetchProblem | None:
        """Return why an item that is stored is not whole."""
        lender = self.lenders.get(remote_id)
        return lender.not_whole(remote_id) if lender is not None else self.missing_files.get(remote_id)


def units_of(changes: Sequence[Change], size: int) -> Iterator[Unit]:
    """Cut a page. An item that a unit names twice, in two states, begins a new unit."""
    current: list[Change] = []
    named: set[str] = set()
    for change in changes:
        again = isinstance(change, Upsert) and change.remote_id in named
        if current and (again or len(current) >= size):
            yield Unit(current)
            current, named = [], set()
        current.append(change)
        if isinstance(change, Upsert):
            named.add(change.remote_id)
    if current:
        yield Unit(current)
