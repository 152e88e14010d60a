"""The next snapshot while it is being written, and what may be entered into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from apps.connectors.base import Removal, Upsert

from ..models import NodeVersion
from ..models.catalog import hash_of

_KNOWN = (
    "SELECT DISTINCT remote_hash FROM node_version"
    " WHERE account_id = %s AND entity_id = %s AND sub_service = %s AND remote_hash IN ({})"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """Snapshot `number` of one sub-service of one entity, written by one run."""

    account_id: int
    entity_id: int
    sub_service: str
    number: int
    run_id: int

    def rows(self) -> "QuerySet[NodeVersion]":
        """Return every version of this sub-service, of all snapshots."""
        return NodeVersion.objects.filter(
            account_id=self.account_id, entity_id=self.entity_id, sub_service=self.sub_service
        )

    def known(self, hashes: Sequence[int]) -> list[int]:
        """Return those hashes of remote ids that have a row at all, each once.

        Asked before rows are read as objects: of a first backup nothing is known, and the question by Django's
        own means costs ten times as much.
        """
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(hashes))
            cursor.execute(_KNOWN.format(marks), [self.account_id, self.entity_id, self.sub_service, *hashes])
            return [row[0] for row in cursor.fetchall()]

    def by_id(self, ids: Sequence[int]) -> "QuerySet[NodeVersion]":
        """Return these rows. No other condition: the primary key must be what finds them."""
        return NodeVersion.objects.filter(account_id=self.account_id, id__in=ids)

    def inside(self, folder_id: str) -> "QuerySet[NodeVersion]":
        """Return what the draft says is directly inside a folder. `is_folder` leads to the right index."""
        return self.rows().filter(
            parent_hash=hash_of(folder_id), parent_id=folder_id, is_folder__in=(False, True), gone__isnull=True
        )

    def left_behind(self) -> "QuerySet[NodeVersion]":
        """Return invisible versions of runs that died before they could commit this number."""
        return self.rows().filter(first=self.number).exclude(run_id=self.run_id)


class Put(NamedTuple):
    """The node is as `upsert` says; `content` is the list of its blobs (durable!), `size` their plain bytes."""

    upsert: Upsert
    content: bytes = b""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Keep:
    """The item changed but could not be fetched: what is stored of it stays, in the folder it is in now."""

    upsert: Upsert


@dataclass(frozen=True, slots=True)
class Drop:
    """The node left a folder, or everything."""

    removal: Removal


Entry = Put | Keep | Drop


def begin(draft: Draft) -> None:
    """Take back the end marks that a dead run set for this number. Its versions stay, to be adopted."""
    draft.rows().filter(gone=draft.number).update(gone=None)
