"""What the index answers with."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

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


@dataclass(frozen=True, slots=True)
class Facets:
    """How many items of each kind, entity and year (of UTC), and with attachments, and deleted ones."""

    kind: dict[str, int]
    entity: dict[int, int]
    year: dict[int, int]
    attached: int
    deleted: int
