"""From bad blobs to the items behind them, and back: registered with the vault (apps/vault/registry.py).

A mark costs one pass over the account's catalog, whatever the number of bad blobs: nothing maps blobs to items,
and nothing should, for the rare day on which it is needed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet

from apps.core import clock
from apps.core.scope import account_scope, every_account
from apps.core.sight import whole_sight
from apps.vault.api import decode_content, known_blobs
from apps.vault.errors import ContentCorrupt
from apps.vault.registry import JournalClaim

from .catalog import in_batches
from .enums import DamagedState
from .models import DamagedItem, Entity, NodeVersion, Snapshot
from .models.catalog import hash_of

_Key = tuple[int, str, str]  # entity, sub-service, remote id


def content_lists(account_id: int, after: int) -> Iterator[tuple[int, bytes]]:
    """Yield (position, content list) of every item of the account, from beyond `after`."""
    rows = NodeVersion.objects.filter(account_id=account_id, is_folder=False, id__gt=after).order_by("id")
    for pk, content in rows.values_list("id", "content").iterator(chunk_size=2_000):
        if content:
            yield pk, bytes(content)


def journals(account_id: int, after: int) -> Iterator[JournalClaim]:
    """Yield the journal that each snapshot names, from beyond `after`."""
    yield from _claims(Snapshot.objects.filter(account_id=account_id, pk__gt=after))


def journals_of(account_id: int, entities: Collection[UUID]) -> Iterator[JournalClaim]:
    """Yield the journal that each snapshot of these entities names."""
    yield from _claims(Snapshot.objects.filter(account_id=account_id, entity__public_id__in=entities))


def _claims(snapshots: QuerySet[Snapshot]) -> Iterator[JournalClaim]:
    rows = snapshots.exclude(journal="").order_by("pk")
    fields = ("pk", "entity__public_id", "entity__name", "sub_service", "number", "journal", "journal_link")
    for row in rows.values_list(*fields).iterator(chunk_size=1_000):
        pk, entity, name, sub_service, number, journal, link = row
        if int(journal.partition("-")[0]) != number:
            continue  # held by the base journal of a later snapshot, whose own row names it too
        key = f"journals/{entity.hex}/{sub_service}/{journal}"
        yield JournalClaim(pk, key, link, f"backup {number} of {name}, {sub_service}")


@dataclass(slots=True)
class _Hit:
    """One item and what is bad of it."""

    newest: NodeVersion
    blobs: set[bytes] = field(default_factory=set)
    versions: int = 0


@whole_sight("damage is noted whoever asked for the look")
def mark_items(account_id: int, blob_ids: Collection[bytes]) -> dict[bytes, int]:
    """Mark every item of which some version names one of these blobs; returns how many items name each."""
    hits = _hits(account_id, set(blob_ids))
    known = {
        (row.entity_id, row.sub_service, row.remote_id): row
        for row in DamagedItem.objects.filter(entity_id__in={key[0] for key in hits})
    }
    folders = _folder_names(account_id, hits.values())
    rows = [_row(account_id, key, hit, known.get(key), folders) for key, hit in hits.items()]
    DamagedItem.objects.bulk_create([row for row in rows if row.pk is None], batch_size=500)
    DamagedItem.objects.bulk_update(
        [row for row in rows if row.pk is not None],
        ["blobs", "versions", "state", "found_at", "settled_at", "tries", "what", "label", "folder_label"],
        batch_size=200,
    )
    counts: dict[bytes, int] = {}
    for hit in hits.values():
        for blob_id in hit.blobs:
            counts[blob_id] = counts.get(blob_id, 0) + 1
    return counts


def _hits(account_id: int, wanted: set[bytes]) -> dict[_Key, _Hit]:
    named: dict[int, set[bytes]] = {}
    for pk, content in content_lists(account_id, 0):
        if bad := wanted & blobs_of(content):
            named[pk] = bad
    hits: dict[_Key, _Hit] = {}
    for ids in in_batches(sorted(named)):
        rows = NodeVersion.objects.filter(account_id=account_id, id__in=ids).defer("content", "props")
        for row in rows.order_by("first"):
            hit = hits.setdefault((row.entity_id, row.sub_service, row.remote_id), _Hit(row))
            hit.newest = row if row.first >= hit.newest.first else hit.newest
            hit.blobs |= named[row.pk]
            hit.versions += 1
    return hits


def blobs_of(content: bytes) -> set[bytes]:
    """Return the blobs that a content list names; none when it does not parse (the check names it)."""
    try:
        return {blob_id for part in decode_content(content) for blob_id in part.blobs}
    except ContentCorrupt:
        return set()


@whole_sight("damage is noted whoever asked for the look")
def named_anew(account_id: int, named: Mapping[int, Collection[bytes]]) -> set[bytes]:
    """Return which of these lost blobs are named by an item that was not given up with them, or came later."""
    anew: set[bytes] = set()
    for ids in in_batches(sorted(named)):
        versions = list(NodeVersion.objects.filter(account_id=account_id, id__in=ids).defer("content", "props"))
        rows = DamagedItem.objects.filter(
            entity_id__in={version.entity_id for version in versions},
            remote_hash__in={version.remote_hash for version in versions},
            state=DamagedState.LOST,
        )
        given_up = {(row.entity_id, row.sub_service, row.remote_id): row for row in rows}
        for version in versions:
            row = given_up.get((version.entity_id, version.sub_service, version.remote_id))
            if row is None or _came_after(version, row):
                anew.update(named[version.pk])
            else:
                anew.update(set(named[version.pk]) - row.blob_ids())
    return anew


def _came_after(version: NodeVersion, row: DamagedItem) -> bool:
    snapshots = Snapshot.objects.filter(entity_id=version.entity_id, sub_service=version.sub_service)
    taken = (
        snapshots.filter(number__gte=version.first)
        .order_by("number")
        .values_list("taken_at", flat=True)
        .first()
    )
    return bool(taken and row.settled_at and taken > row.settled_at)


@whole_sight("damage is noted whoever asked for the look")
def close_what_came_back(account_id: int) -> None:
    """Close lost items that can be read again: a pack was put back, or somebody else had the same bytes."""
    lost = DamagedItem.objects.filter(state=DamagedState.LOST)
    for pks in in_batches(list(lost.values_list("pk", flat=True))):
        rows = list(lost.filter(pk__in=pks))
        wanted = set[bytes]().union(*(row.blob_ids() for row in rows))
        there = known_blobs(account_id, wanted)
        back = [row.pk for row in rows if row.blob_ids() <= there]
        lost.filter(pk__in=back).update(
            state=DamagedState.HEALED, what="It came back.", settled_at=clock.now(), good_until=None
        )


def lost_items(account_id: int) -> int:
    """Count the items that are lost."""
    return DamagedItem.objects.filter(account_id=account_id, state=DamagedState.LOST).count()


def _row(
    account_id: int, key: _Key, hit: _Hit, row: DamagedItem | None, folders: dict[_Key, str]
) -> DamagedItem:
    entity_id, sub_service, remote_id = key
    if row is None:
        row = DamagedItem(
            account_id=account_id,
            entity_id=entity_id,
            sub_service=sub_service,
            remote_hash=hash_of(remote_id),
            remote_id=remote_id,
        )
    blobs = hit.blobs | (row.blob_ids() if row.state == DamagedState.REFETCH else set())
    row.blobs, row.versions = DamagedItem.joined(blobs), hit.versions
    row.label = (hit.newest.name or "(no subject)")[:500]
    row.folder_label = folders.get((entity_id, sub_service, hit.newest.parent_id or ""), "")[:500]
    row.state, row.found_at, row.settled_at, row.tries, row.what = (
        DamagedState.REFETCH, clock.now(), None, 0, "",
    )  # fmt: skip
    return row


def _folder_names(account_id: int, hits: Collection[_Hit]) -> dict[_Key, str]:
    wanted = {
        (hit.newest.entity_id, hit.newest.sub_service, hit.newest.parent_id)
        for hit in hits
        if hit.newest.parent_id
    }
    found: dict[_Key, str] = {}
    for hashes in in_batches(sorted({hash_of(parent_id) for _, _, parent_id in wanted if parent_id})):
        rows = NodeVersion.objects.filter(account_id=account_id, remote_hash__in=hashes, is_folder=True)
        rows = rows.filter(entity_id__in={entity_id for entity_id, _, _ in wanted})
        for entity_id, sub_service, remote_id, name in rows.order_by("first").values_list(
            "entity_id", "sub_service", "remote_id", "name"
        ):
            found[entity_id, sub_service, remote_id] = name
    return found


def backups_busy() -> bool:
    """Tell whether any backup of this installation runs right now."""
    with every_account("checks make room for the backups of all accounts"):
        return Entity.objects.exclude(lease_owner="").filter(lease_until__gt=clock.now()).exists()


def named_items(account_id: int) -> Iterator[str]:
    """Yield a line per item that is damaged or lost, in a person's words."""
    with account_scope(account_id):
        rows = DamagedItem.objects.exclude(state=DamagedState.HEALED).select_related("entity")
        for row in rows.order_by("entity__name", "pk").iterator(chunk_size=500):
            place = f"{row.entity.name} / {row.folder_label or 'a folder'} / {row.label}"
            yield f"{place}: {fate(row)}"


def fate(row: DamagedItem) -> str:
    """Say what becomes of a damaged item, in one sentence."""
    match row.state:
        case DamagedState.HEALED:
            return "It was fetched again and can be opened on every day."
        case DamagedState.REFETCH:
            tried = " It was tried without success before." if row.tries else ""
            return f"It will be fetched again by the next backup.{tried}"
    if row.good_until is None:
        return f"It is lost. {row.what} No day holds a copy that can be opened."
    if row.settled_at and row.good_until >= row.settled_at - timedelta(minutes=5):
        return f"An older state of it is lost. {row.what} The newest can be opened."
    return f"It is lost. {row.what} The last day it can be opened on is {row.good_until:%-d %B %Y}."
