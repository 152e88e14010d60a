"""Bytes that somebody ordered to be gone: where they lie, and what empties the packs that hold them.

gc rewrites a pack when little of it is live. What was erased has to leave a full pack as well: apps that follow
such bytes register, and their packs are rewritten as soon as the blobs' places are gone.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from .enums import GcState, PackState
from .errors import StoreError
from .models import BlobLocation, GcRound, LockedUntil, Pack
from .references import live_blobs
from .services import open_vault
from .store.pack import Kind, pack_key

log = logging.getLogger("everkeep.vault")
_BATCH: Final = 400


@dataclass(frozen=True, slots=True)
class Followed:
    """Called in the account's scope. `follow` before places are removed, so that no move is missed.

    `packs` returns rows of packs that hold bytes of blobs whose places are gone.
    """

    follow: Callable[[int], None]
    packs: Callable[[int], Collection[int]]


_followed: dict[str, Followed] = {}


def register_followed(name: str, followed: Followed) -> None:
    """Tell who follows bytes that have to go; the last one of a name wins."""
    _followed[name] = followed


def follow_all(account_id: int) -> None:
    """Let everybody note where the bytes that they follow lie now."""
    for each in _followed.values():
        each.follow(account_id)


def packs_to_empty(account_id: int) -> set[int]:
    """Return the rows of packs to rewrite, however full they are."""
    return {row for each in _followed.values() for row in each.packs(account_id)}


def places_of(account_id: int, blob_ids: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield blob and row of its pack for each place of these blobs."""
    for some in _few(blob_ids):
        rows = BlobLocation.objects.filter(account_id=account_id, blob_id__in=some)
        for blob_id, pack_row in rows.values_list("blob_id", "pack_row"):
            yield bytes(blob_id), pack_row


def packs_there(pack_rows: Iterable[int]) -> dict[int, datetime | None]:
    """Return those of these packs of which a store has an object still, with the last day of a known lock."""
    found: dict[int, datetime | None] = {}
    for some in _few(pack_rows):
        rows = Pack.objects.filter(pk__in=some).exclude(state=PackState.DELETED)
        found |= dict.fromkeys(rows.values_list("pk", flat=True))
        for pack_row, until in LockedUntil.objects.filter(pack_id__in=some).values_list("pack_id", "until"):
            if pack_row in found:
                found[pack_row] = max(until, found[pack_row] or until)
    return found


def objects_there(account_id: int, pack_rows: Iterable[int]) -> bool:
    """Tell whether any store has, or may have, an object of these packs, whatever their rows say.

    gc writes down that a pack is deleted before it deletes the object (V14), and may die in between.
    """
    try:
        store = open_vault(account_id=account_id).store
        for some in _few(pack_rows):
            for pack_id in Pack.objects.filter(pk__in=some).values_list("pack_id", flat=True):
                if store.size(pack_key(bytes(pack_id))) is not None:
                    return True
    except StoreError as error:
        log.warning("whether deleted packs of account %s are gone cannot be asked: %s", account_id, error)
        return True
    return False


def journals_locked_until() -> datetime | None:
    """Return until when a store keeps the account's journals, as far as we know."""
    rows = LockedUntil.objects.filter(pack=None).order_by("-until")
    return rows.values_list("until", flat=True).first()


def collected_since(moment: datetime) -> datetime | None:
    """Return when the newest whole round of gc began, of those that began after the moment and are through."""
    rounds = GcRound.objects.filter(state=GcState.DONE, started_at__gt=moment)
    return rounds.order_by("-started_at").values_list("started_at", flat=True).first()


def referenced(account_id: int, blob_ids: Collection[bytes]) -> set[bytes]:
    """Return those of these blobs that something names. Reads every content list of the account.

    Raises ReferencesUnreadable.
    """
    wanted = set(blob_ids)
    return {blob_id for group in live_blobs(account_id) for blob_id in group if blob_id in wanted}


def has_dictionaries(account_id: int) -> bool:
    """Tell whether small items are packed with dictionaries: these hold fragments of what trained them."""
    return BlobLocation.objects.filter(account_id=account_id, kind=Kind.DICTIONARY.value).exists()


T = TypeVar("T")


def _few(values: Iterable[T]) -> Iterator[list[T]]:
    wanted = list(values)
    return (wanted[start : start + _BATCH] for start in range(0, len(wanted), _BATCH))
