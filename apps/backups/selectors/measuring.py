"""What one snapshot brought and ended, as pairs of versions: the cost is that of its changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet, Sum

from ..models import NodeVersion
from .indexing import Chain

MOST: Final = 20_000
"""Rows of each sort that are looked at. Of more, those with the smallest hashes: a fair sample."""


@dataclass(frozen=True, slots=True)
class ItemState:
    """One version of an item."""

    remote_id: str
    remote_hash: int
    parent_hash: int | None
    name: str
    size: int
    time: datetime | None
    has_attachments: bool
    content: bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """An item before and after a snapshot; None where it was not there."""

    before: ItemState | None
    after: ItemState | None


@dataclass(frozen=True, slots=True)
class Turns:
    """`is_sample`: not all of them. `came` are the bytes of all versions that began, sample or not."""

    rows: list[Turn]
    is_sample: bool
    came: int


def turns_of(chain: Chain, number: int, most: int = MOST) -> Turns:
    """Return how the items of a kind of data differ from the snapshot before `number`."""
    began, ended = _items(chain).filter(first=number), _items(chain).filter(gone=number)
    came = began.aggregate(sum=Sum("size"))["sum"] or 0
    after, before = list(_states(began, most)), list(_states(ended, most))
    bounds = [rows[-1].remote_hash for rows in (after, before) if len(rows) == most]
    if bounds:
        after = [row for row in after if row.remote_hash <= min(bounds)]
        before = [row for row in before if row.remote_hash <= min(bounds)]
    was = {row.remote_id: row for row in before}
    pairs = [Turn(was.pop(row.remote_id, None), row) for row in after]
    return Turns([*pairs, *(Turn(row, None) for row in was.values())], bool(bounds), came)


def _items(chain: Chain) -> "QuerySet[NodeVersion]":
    return NodeVersion.objects.filter(
        account_id=chain.account_id,
        entity_id=chain.entity_id,
        sub_service=chain.sub_service,
        is_folder__in=[False],
    )


def _states(rows: "QuerySet[NodeVersion]", most: int) -> Iterator[ItemState]:
    names = ("remote_id", "remote_hash", "parent_hash", "name", "size", "time", "has_attachments", "content")
    found = rows.order_by("remote_hash").values_list(*names)[:most]
    for remote_id, hashed, parent, name, size, time, has_attachments, content in found:
        yield ItemState(remote_id, hashed, parent, name, size, time, has_attachments, bytes(content))
