"""Stored content that needs no download: unchanged, moved, undeleted, or fetched by a run that died."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from apps.connectors.base import Upsert

from ..models import NodeVersion
from ..models.catalog import hash_of
from .draft import Draft

IN_LIMIT = 500


class Stored(NamedTuple):
    """The blobs of an item (see `vault.api.decode_content`) and the plain bytes that they hold."""

    content: bytes
    size: int


def stored_contents(draft: Draft, items: Sequence[Upsert]) -> dict[tuple[str, str], Stored]:
    """Return what is stored of these items in exactly this state, by remote id and etag.

    Every version counts, whatever snapshot it belongs to: a row is only ever written when its blobs are
    durable, and an equal etag promises equal content. Items without an etag are never taken for known.
    """
    wanted = {(item.remote_id, item.etag) for item in items if item.etag and not item.is_folder}
    found: dict[tuple[str, str], Stored] = {}
    for hashes in in_batches([hash_of(remote_id) for remote_id in {remote_id for remote_id, _ in wanted}]):
        rows = draft.rows().filter(remote_hash__in=draft.known(hashes), is_folder=False).order_by("id")
        for remote_id, etag, content, size in rows.values_list("remote_id", "etag", "content", "size"):
            if content and (remote_id, etag) in wanted:
                found[remote_id, etag] = Stored(bytes(content), size)
    return found


def contents_of(account_id: int, entity_id: int) -> Iterator[bytes]:
    """Yield the content list of each version of an entity that has one, in one statement."""
    rows = NodeVersion.objects.filter(account_id=account_id, entity_id=entity_id, is_folder=False)
    for content in rows.values_list("content", flat=True).iterator(chunk_size=2_000):
        if content:
            yield bytes(content)


def in_batches(values: Sequence[int]) -> Iterable[Sequence[int]]:
    """Cut a list to lengths that every database takes in one statement."""
    return (values[start : start + IN_LIMIT] for start in range(0, len(values), IN_LIMIT))
