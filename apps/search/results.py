"""What a search brings: rows of the catalog, never only what the index says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.backups.selectors.browse import Node


@dataclass(frozen=True, slots=True)
class Row:
    """One item: its newest version that matches, as the catalog has it."""

    entity_id: int
    sub_service: str
    node: Node
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """One page. `next` continues it, None at the end."""

    rows: list[Row]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """How many items match, by what one may narrow to: sub-service, entity id, year, month, and two yes or no.

    At least so many when they are not exact (`Total`).
    """

    total: int = 0
    is_exact: bool = True
    kinds: Mapping[str, int] = field(default_factory=dict)
    entities: Mapping[int, int] = field(default_factory=dict)
    years: Mapping[int, int] = field(default_factory=dict)
    months: Mapping[str, int] = field(default_factory=dict)
    attached: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Lag:
    """What is backed up and cannot be found yet: kinds of data of entities, and since when the oldest waits."""

    waiting: int = 0
    items: int = 0
    since: datetime | None = None
    newest: datetime | None = None
    trouble: Mapping[str, int] = field(default_factory=dict)
