"""Items whose bytes were found damaged: downloaded anew, although no change names them.

An item that is still in the backup's last state is fetched like a change: whatever comes is what is there now.
One that ended is fetched for its bytes alone. If they are the old ones, their blobs get their old names, and
every version that names them can be read again. What is not there any more, or has become another, is lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from apps.connectors.base import FetchProblem, Upsert
from apps.connectors.enums import SkipCause
from apps.core import clock
from apps.vault.api import known_blobs
from apps.vault.health import damage_settle

from ..catalog import Draft, in_batches
from ..damage import blobs_of
from ..enums import DamagedState
from ..models import DamagedItem, NodeVersion, Snapshot
from ..models.catalog import hash_of
from .units import Unit

MOST_ITEMS = 5_000  # of one sub-service in one run; the next run goes on


@dataclass(slots=True)
class Refetch:
    """What a run was asked to fetch again, and what came of it: by remote id, None when it was fetched."""

    current: list[Upsert] = field(default_factory=list)
    ended: list[Upsert] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # given up by earlier runs
    back: set[str] = field(default_factory=set)  # of these, what the provider names again
    outcomes: dict[str, FetchProblem | None] = field(default_factory=dict)

    def follow(self, newer: Sequence[Upsert]) -> None:
        """Take what the source says of an item now where that was not stored: what comes belongs to it."""
        said = {item.remote_id: item for item in newer}
        self.current = [said.get(item.remote_id, item) for item in self.current]

    def name_again(self, items: Sequence[Upsert]) -> set[str]:
        """Return which of these items are lost: they are fetched, since what the catalog has cannot be read."""
        named = self.lost and self.lost.intersection(item.remote_id for item in items)
        self.back |= named
        return named

    def note(self, unit: Unit) -> None:
        """Take the answers of a unit that was fetched anew."""
        for item in unit.items():
            answer = unit.answer(item.remote_id)
            self.outcomes[item.remote_id] = answer if isinstance(answer, FetchProblem) else None


def wanted(draft: Draft) -> Refetch:
    """Return the damaged items of a sub-service, those in the last state apart from those that ended."""
    lost = DamagedItem.objects.filter(
        entity_id=draft.entity_id, sub_service=draft.sub_service, state=DamagedState.LOST
    )
    found = Refetch(lost=set(lost.values_list("remote_id", flat=True)))
    rows = _waiting(draft).order_by("pk").values_list("remote_id", flat=True)[:MOST_ITEMS]
    remote_ids = set(rows)
    newest: dict[str, NodeVersion] = {}
    for hashes in in_batches(sorted(hash_of(remote_id) for remote_id in remote_ids)):
        versions = draft.rows().filter(remote_hash__in=hashes, is_folder=False, first__lt=draft.number)
        for version in versions.defer("content").order_by("first"):
            if version.remote_id in remote_ids:
                newest[version.remote_id] = version
    for version in newest.values():
        (found.current if version.gone is None else found.ended).append(_said(version))
    return found


def settle(draft: Draft, fetched: Refetch) -> None:
    """With the snapshot, in its transaction: close what is healed or lost, leave the rest for the next run.

    The provider is believed that an item is gone when its changes have named the removal, not before.
    """
    _close_what_is_back(draft, fetched.back)
    outcomes, lost = fetched.outcomes, set[bytes]()
    if not outcomes:
        return
    for row in _waiting(draft):
        if row.remote_id not in outcomes:
            continue
        problem = outcomes[row.remote_id]
        missing = row.blob_ids() - known_blobs(draft.account_id, row.blob_ids())
        row.tries += 1
        if not missing:
            row.state, row.what = DamagedState.HEALED, "Fetched again."
        elif problem is None:
            row.state, row.what = DamagedState.LOST, "The source has a newer version only."
        elif problem.skip and not _is_current(draft, row):
            row.state, row.what = DamagedState.LOST, _words(problem)
        if row.state != DamagedState.REFETCH:
            row.settled_at = clock.now()
            row.good_until = _good_until(draft, row) if row.state == DamagedState.LOST else None
        row.save(update_fields=["state", "what", "tries", "settled_at", "good_until"])
        if row.state == DamagedState.LOST:
            lost |= missing
    damage_settle(draft.account_id, lost - _still_hoped_for() if lost else ())


def _close_what_is_back(draft: Draft, back: set[str]) -> None:
    """An item that was lost and is there again has stored its blobs anew, under their old names."""
    if not back:
        return
    rows = DamagedItem.objects.filter(entity_id=draft.entity_id, sub_service=draft.sub_service)
    for hashes in in_batches(sorted(map(hash_of, back))):
        for row in rows.filter(remote_hash__in=hashes, state=DamagedState.LOST):
            if row.remote_id in back and known_blobs(draft.account_id, row.blob_ids()) == row.blob_ids():
                row.state, row.what, row.good_until = DamagedState.HEALED, "The source has it again.", None
                row.settled_at = clock.now()
                row.save(update_fields=["state", "what", "good_until", "settled_at"])
    damage_settle(draft.account_id)


def _waiting(draft: Draft) -> "QuerySet[DamagedItem]":
    return DamagedItem.objects.filter(
        entity_id=draft.entity_id, sub_service=draft.sub_service, state=DamagedState.REFETCH
    )


def _words(problem: FetchProblem) -> str:
    if problem.skip == SkipCause.GONE:
        return "The source has it no more."
    return f"The source does not hand it out: {problem.what}"[:300]


def _is_current(draft: Draft, row: DamagedItem) -> bool:
    versions = draft.rows().filter(remote_hash=row.remote_hash, remote_id=row.remote_id, gone__isnull=True)
    return versions.exists()


def _still_hoped_for() -> set[bytes]:
    """Blobs that another item, of whatever entity, may still bring back."""
    rows = DamagedItem.objects.filter(state=DamagedState.REFETCH).only("blobs")
    return {blob_id for row in rows.iterator(chunk_size=500) for blob_id in row.blob_ids()}


def _good_until(draft: Draft, row: DamagedItem) -> datetime | None:
    """Return the day of the last snapshot in which a version of the item can be read."""
    best = max(_readable_until(draft, row), default=0)
    snapshots = Snapshot.objects.filter(
        entity_id=draft.entity_id, sub_service=draft.sub_service, number__lte=best
    )
    return snapshots.order_by("-number").values_list("taken_at", flat=True).first() if best else None


def _readable_until(draft: Draft, row: DamagedItem) -> Iterator[int]:
    versions = draft.rows().filter(remote_hash=row.remote_hash, remote_id=row.remote_id)
    for content, gone in versions.values_list("content", "gone"):
        blobs = blobs_of(bytes(content))
        if blobs and len(known_blobs(draft.account_id, blobs)) == len(blobs):
            yield draft.number if gone is None else gone - 1


def _said(version: NodeVersion) -> Upsert:
    return Upsert(
        remote_id=version.remote_id,
        parent_id=version.parent_id,
        is_folder=False,
        name=version.name,
        etag=version.etag,
        props=bytes(version.props),
        author=version.author,
        recipients=version.recipients,
        time=version.time,
        has_attachments=version.has_attachments,
        well_known=version.well_known,
    )
