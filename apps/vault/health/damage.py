"""Records of damage: written by who finds it, closed when it is healed or given up. Nothing here repairs."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db import transaction

from apps.core import clock

from ..enums import OPEN_DAMAGE, DamageState, FoundBy, PackState
from ..errors import BlobError
from ..index import DatabaseIndex
from ..models import Damage, Pack
from ..registry import catalogs
from ..store.check import Code, Finding

T = TypeVar("T")
log = logging.getLogger("everkeep.vault")
BATCH = 400
# The one loss whose place stays (V18).
DICTIONARY = "A dictionary of which no good copy is left. What needs it is fetched again."


def subject_of(finding: Finding) -> bytes:
    """Return what a finding is about: one blob, else one pack or list and what is wrong with it."""
    if finding.blob_id:
        return b"blob" + bytes.fromhex(finding.blob_id)
    about = bytes.fromhex(finding.pack_id) or hashlib.sha256(finding.what.encode()).digest()
    return f"{finding.code}:".encode() + about


def record(account_id: int, findings: Iterable[Finding], found_by: str = FoundBy.CHECK) -> int:
    """Write findings down, in the account's scope; returns how many were not known to be open or lost.

    What is lost stays lost, however often it is found: only a blob that came back can be damaged anew.
    """
    return sum(_record(account_id, batch, found_by) for batch in batches(findings))


@transaction.atomic
def _record(account_id: int, findings: Sequence[Finding], found_by: str) -> int:
    by_subject = {subject_of(finding): finding for finding in findings}
    rows = {bytes(row.subject): row for row in Damage.objects.filter(subject__in=list(by_subject))}
    now = clock.now()
    again = [row for row in rows.values() if row.state == DamageState.HEALED]
    for row in again:
        finding = by_subject[bytes(row.subject)]
        row.code, row.what, row.pack_id = finding.code, finding.what, bytes.fromhex(finding.pack_id)
        row.state, row.found_by, row.found_at, row.state_at, row.how = (
            DamageState.FOUND, found_by, now, now, "",
        )  # fmt: skip
    Damage.objects.bulk_update(
        again, ["code", "what", "pack_id", "state", "found_by", "found_at", "state_at", "how"]
    )
    fresh = [
        Damage(
            account_id=account_id,
            subject=subject,
            code=finding.code,
            pack_id=bytes.fromhex(finding.pack_id),
            blob_id=bytes.fromhex(finding.blob_id),
            what=finding.what,
            found_by=found_by,
        )
        for subject, finding in by_subject.items()
        if subject not in rows
    ]
    # Two finders at once write it once.
    Damage.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(again) + len(fresh)


def damage_report(account_id: int, error: BlobError, found_by: str = FoundBy.READING) -> None:
    """Write down a blob that could not be read, in the account's scope. Never raises: the reader has enough
    trouble already. Nothing is taken away by this: the next round of healing looks at it again first.
    """
    if not error.blob_id:
        return
    code = Code.BLOB_CORRUPT if error.pack_id else Code.BLOB_UNKNOWN
    finding = Finding(code, error.what, error.pack_id, error.blob_id)
    try:
        record(account_id, [finding], found_by)
    except Exception:
        log.exception("damage of blob %s could not be written down", error.blob_id)


def damage_settle(account_id: int, lost: Collection[bytes] = ()) -> None:
    """Close what is settled: blobs that are recorded again are healed, those of `lost` are lost.

    Called in the account's scope by who fetched items again, with the blobs for which no try is left. A blob
    given up earlier that came back by another way is healed too.
    """
    index = DatabaseIndex(account_id, 0)
    waiting = Damage.objects.filter(state__in=(DamageState.REFETCH, DamageState.LOST)).exclude(how=DICTIONARY)
    for rows in batches(waiting.order_by("pk").iterator(chunk_size=BATCH)):
        there = index.locate({bytes(row.blob_id) for row in rows}).keys()  # on whatever shelf
        gone = set(lost)
        _move([r.pk for r in rows if bytes(r.blob_id) in there], DamageState.HEALED, "Fetched anew.")
        _move(
            [
                r.pk
                for r in rows
                if bytes(r.blob_id) not in there and bytes(r.blob_id) in gone and r.state == DamageState.REFETCH
            ],
            DamageState.LOST,
            "The source has it no more, or in a newer version only.",
        )
    _close_rewritten()


def settle_all(account_id: int) -> None:
    """Close what is settled, and let those who keep items close theirs. In the account's scope."""
    damage_settle(account_id)
    for _, catalog in catalogs():
        catalog.settle(account_id)


def lost_blobs_of(blob_ids: Collection[bytes]) -> set[bytes]:
    """Return those of `blob_ids` that were given up for good."""
    rows = Damage.objects.filter(state=DamageState.LOST)
    return {
        bytes(blob_id)
        for some in batches(sorted(blob_ids))
        for blob_id in rows.filter(blob_id__in=some).values_list("blob_id", flat=True)
    }


def reopen(blob_ids: Collection[bytes]) -> None:
    """Let what was lost be damage again, so that healing looks for it once more."""
    for some in batches(sorted(blob_ids)):
        Damage.objects.filter(blob_id__in=some, state=DamageState.LOST).update(
            state=DamageState.HEALED, how="Something names it again.", state_at=clock.now()
        )


def _close_rewritten() -> None:
    waiting = Damage.objects.filter(state=DamageState.REWRITE)
    for rows in batches(waiting.order_by("pk").iterator(chunk_size=BATCH)):
        packs = Pack.objects.filter(pack_id__in=[bytes(row.pack_id) for row in rows], state=PackState.STORED)
        stored = {bytes(pack_id) for pack_id in packs.values_list("pack_id", flat=True)}
        done = [row.pk for row in rows if bytes(row.pack_id) not in stored]
        _move(done, DamageState.HEALED, "Its blobs lie in a new pack.")


def move(rows: Collection[Damage], state: DamageState, how: str) -> None:
    """Note what became of damage."""
    _move([row.pk for row in rows], state, how)


def _move(ids: Collection[int], state: DamageState, how: str) -> None:
    if ids:
        Damage.objects.filter(pk__in=ids).exclude(state=state).update(
            state=state, how=how, state_at=clock.now()
        )


def open_damage(codes: Collection[Code] = ()) -> "Iterator[Damage]":
    """Yield what nobody has acted on, oldest first."""
    rows = Damage.objects.filter(state=DamageState.FOUND).order_by("pk")
    return (rows.filter(code__in=codes) if codes else rows).iterator(chunk_size=BATCH)


def pack_is_sound(pack_id: bytes) -> None:
    """Close pack-level damage of a pack that was found sound."""
    rows = Damage.objects.filter(pack_id=pack_id, blob_id=b"", state__in=OPEN_DAMAGE)
    rows.update(state=DamageState.HEALED, how="A later check found it sound.", state_at=clock.now())


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Cut anything into lists that one statement takes."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
