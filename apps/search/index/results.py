"""What the index answers with."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from .errors import CursorUnreadable


class Order(StrEnum):
    """What comes first. Hits that nothing was typed for have no relevance: they come newest first."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Hit:
    """An item by its newest version that fits the query. `score` means something only beside others'."""

    version_id: int
    entity_id: int
    sub_service: str
    item: int
    time: datetime | None
    score: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: after the version at this place of the order.

    By relevance the place is a rank, which a change of the index moves; by time it holds whatever is added.
    """

    order: Order
    place: int
    version_id: int

    def encode(self) -> str:
        """Return it as letters for an address."""
        said = json.dumps([self.order.value, self.place, self.version_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, letters: str) -> Self:
        """Return what `encode` said. Raises CursorUnreadable."""
        try:
            said = json.loads(base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4)))
            order, place, version_id = said
            cursor = cls(Order(order), int(place), int(version_id))
        except (ValueError, TypeError, binascii.Error, RecursionError) as error:
            raise CursorUnreadable("This page of results cannot be found.", do="Search again.") from error
        if not (0 <= place < 2**63 and -(2**63) <= version_id < 2**63):
            raise CursorUnreadable("This page of results cannot be found.", do="Search again.")
        return cursor


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits; `next` is None on the last one."""

    hits: tuple[Hit, ...]
    next: Cursor | None


class Total(NamedTuple):
    """How many items; at least so many unless it `is_exact`: too many matched in an earlier version to tell."""

    number: int
    is_exact: bool = True

    @property
    def words(self) -> str:
        """The number as people read it."""
        least = "" if self.is_exact else "at least "
        return f"{least}{self.number:,} item{'' if self.number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Facets:
    """How many items of each kind, entity and month ("2026-03", of UTC), with attachments, and deleted.

    All are exact, or at least so many (`Total`). Items without a time are in no month.
    """

    kind: dict[str, int]
    entity: dict[int, int]
    month: dict[str, int]
    attached: int
    deleted: int
    is_exact: bool = True

    @property
    def total(self) -> Total:
        return Total(sum(self.kind.values()), self.is_exact)

    @property
    def year(self) -> dict[int, int]:
        years: dict[int, int] = {}
        for month, count in self.month.items():
            years[int(month[:4])] = years.get(int(month[:4]), 0) + count
        return years
