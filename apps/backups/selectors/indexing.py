"""Versions of the catalog for who indexes them, and the rows behind what an index found."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from ..models import NodeVersion
from .browse import Node, read_nodes

_IN_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Chain:
    """One kind of data of one entity."""

    account_id: int
    entity_id: int
    sub_service: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of an item, with what the vault and the connector keep of it."""

    pk: int
    remote_id: str
    remote_hash: int
    parent_hash: int | None
    name: str
    author: str
    recipients: str
    time: datetime | None
    size: int
    has_attachments: bool
    content: bytes
    props: bytes
    first: int
    gone: int | None


_FIELDS: Final = tuple(VersionRow.__dataclass_fields__)


def changed_between(chain: Chain, before: int, last: int, *, after: int = 0) -> set[int]:
    """Return the items' versions that began or ended in the snapshots after `before` up to `last`, by id."""
    rows = _own(chain).filter(is_folder__in=[False], pk__gt=after)
    found: set[int] = set()
    for condition in (Q(first__gt=before, first__lte=last), Q(gone__gt=before, gone__lte=last)):
        found.update(rows.filter(condition).values_list("pk", flat=True).iterator())  # each by its own index
    return found


def version_rows(chain: Chain, ids: Collection[int]) -> list[VersionRow]:
    """Return these versions by id, as far as they are there."""
    wanted, found = sorted(ids), []
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = _own(chain).filter(pk__in=wanted[start : start + _IN_LIMIT]).order_by("pk")
        found += [_row(values) for values in rows.values_list(*_FIELDS)]
    return found


def lives(chain: Chain, hashes: Collection[int], last: int) -> Iterator[tuple[str, int, int | None, int]]:
    """Yield remote id, first, gone and id of all versions up to a snapshot of the items with these hashes."""
    wanted = list(hashes)
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = _own(chain).filter(remote_hash__in=wanted[start : start + _IN_LIMIT], first__lte=last)
        yield from rows.values_list("remote_id", "first", "gone", "pk")


def items_by_ids(account_id: int, ids: Collection[int]) -> dict[int, Node]:
    """Return these versions of items of any entity of the account, as far as they are there."""
    wanted = list(ids)
    found: dict[int, Node] = {}
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = NodeVersion.objects.filter(account_id=account_id, is_folder__in=[False])
        found |= {node.id: node for node in read_nodes(rows.filter(pk__in=wanted[start : start + _IN_LIMIT]))}
    return found


def _own(chain: Chain) -> "QuerySet[NodeVersion]":
    return NodeVersion.objects.filter(
        account_id=chain.account_id, entity_id=chain.entity_id, sub_service=chain.sub_service
    )


def _row(values: tuple[object, ...]) -> VersionRow:
    said = dict(zip(_FIELDS, values, strict=True))
    return VersionRow(**said | {name: bytes(said[name]) for name in ("content", "props")})  # type: ignore[call-overload]
