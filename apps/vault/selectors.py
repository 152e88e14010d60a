"""What is known of an account's vault."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from apps.core.scope import account_scope

from .enums import PackState
from .errors import BlobError
from .index import DatabaseIndex, owned_connection
from .models import GcRound, Pack
from .services import open_vault
from .store.content import ContentPart
from .store.inspect import list_packs


def orphans(account_id: int) -> list[bytes]:
    """Return the ids of packs that lie in the store but have no row: left by a crash between V1 and V2.

    They are harmless. A pack that a running backup has just stored is among them for a moment, so nothing
    may be deleted by this list alone.
    """
    vault = open_vault(account_id=account_id)
    stored = {pack_id for pack_id, _ in list_packs(vault.store)}  # listed first: rows only grow meanwhile
    with owned_connection(), account_scope(account_id):
        recorded = Pack.objects.exclude(state=PackState.ORPHAN).values_list("pack_id", flat=True)
        stored -= {bytes(pack_id) for pack_id in recorded}
    return sorted(stored)


def last_collection() -> GcRound | None:
    """Return the newest round of garbage collection of the account in force: its state, counts, bytes freed."""
    return GcRound.objects.order_by("-pk").first()


def verify(account_id: int, parts: Iterable[ContentPart]) -> Iterator[tuple[ContentPart, BlobError]]:
    """Read every byte of `parts` and yield those that are not whole, with what is wrong. Raises StoreError."""
    reader = open_vault(account_id=account_id).reader()
    for part in parts:
        try:
            for _ in reader.stream(part):
                pass
        except BlobError as error:
            yield part, error


@dataclass(frozen=True, slots=True)
class Stored:
    """How many bytes a blob takes in its pack, and how many it has."""

    packed: int
    plain: int


def how_stored(account_id: int, blob_ids: Collection[bytes]) -> dict[bytes, Stored]:
    """Return how well blobs compress, for those that the vault has a place for. No store is asked."""
    found = DatabaseIndex(account_id, 0).locate(blob_ids)
    return {blob_id: Stored(at.stored_length, at.raw_length) for blob_id, at in found.items()}
