"""Pages that cost the same wherever they lie: by the key of a row, never by a number of rows to skip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[M]):
    """`previous` and `following` are the public ids to give as `before` and `after` for the pages beside it."""

    items: list[M]
    previous: UUID | None
    following: UUID | None


def page_of(
    rows: QuerySet[M],
    *,
    keys: Sequence[str],
    size: int,
    descending: bool = False,
    before: UUID | None = None,
    after: UUID | None = None,
) -> KeysetPage[M]:
    """Return `size` rows in the order of `keys` (the last one unique), next to the row `before` or `after`.

    An index on the filtered fields and `keys` makes this one short range read. A row that is gone, or of
    another account, gives the first page.
    """
    anchor_id = before or after
    anchor = (
        rows.model._default_manager.filter(public_id=anchor_id).values(*keys).first() if anchor_id else None
    )
    forward = before is None or anchor is None
    if anchor:
        rows = rows.filter(_beyond(list(anchor.items()), "lt" if forward == descending else "gt"))
    sign = "-" if forward == descending else ""
    found = list(rows.order_by(*(sign + key for key in keys))[: size + 1])
    more, items = len(found) > size, found[:size]
    if not forward:
        items.reverse()
    has_previous, has_following = (anchor is not None, more) if forward else (more, True)
    return KeysetPage(
        items,
        _public_id(items[0]) if items and has_previous else None,
        _public_id(items[-1]) if items and has_following else None,
    )


def _beyond(anchor: list[tuple[str, Any]], lookup: str) -> Q:
    """(a, b) < (x, y), written so that both databases use the index on the first key."""
    (name, value), *rest = anchor
    strict = Q(**{f"{name}__{lookup}": value})
    if not rest:
        return strict
    return Q(**{f"{name}__{lookup}e": value}) & (strict | _beyond(rest, lookup))


def _public_id(row: Model) -> UUID:
    return row.public_id  # type: ignore[attr-defined,no-any-return]
