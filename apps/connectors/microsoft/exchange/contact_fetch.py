"""Fetching contacts as documents, each with its photo."""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from apps.connectors.base import ContentForm, Fetched, FetchProblem
from apps.connectors.documents import PART, canonical
from apps.connectors.microsoft.batch import Part, PartAnswer, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import Refused, is_mailbox_missing
from apps.core.errors import (
    Blocked,
    ConsentLost,
    EverkeepError,
    Gone,
    Malformed,
    RemoteError,
    Throttled,
    TooLarge,
    Unavailable,
)

from .contact_compose import MORE, PHOTO
from .item_document import plain
from .item_write import VALUES
from .mail_fetch import BATCH_TRIES, decode_part, missing_file, problem_of

logger = logging.getLogger(__name__)

BATCH: Final = 10
"""Two parts a contact: its fields and its photo."""
PHOTO_LIMIT: Final = 32 * 1024 * 1024
MORE_QUERY: Final = f"$expand={VALUES}($filter={' or '.join(f'id eq {name!r}' for name in MORE)})".replace(
    " ", "%20"
)
_STOPS_ALL: Final = (ConsentLost, Throttled)

Answer = Fetched | FetchProblem


async def fetch_contacts(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> AsyncIterator[Answer]:
    """Yield exactly one answer per id, in any order.

    Raises what concerns all: ConsentLost, Throttled, and Gone when the mailbox itself is not reached.
    """
    fetcher = _Fetcher(graph, user)
    for few in in_batches(list(dict.fromkeys(remote_ids)), BATCH):
        for remote_id, answer in (await fetcher.batch(few)).items():
            yield answer or await fetcher.one(remote_id)


class _Fetcher:
    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool = graph, graph.pool(user)
        self._base = f"/users/{segment(user)}/contacts"

    async def batch(self, remote_ids: Sequence[str]) -> dict[str, Answer | None]:
        """Fetch up to ten; None for those that must be asked for alone."""
        parts = [Part(each, self._path(each)) for each in remote_ids]
        parts += [Part(f"photo {each}", self._photo(each)) for each in remote_ids]
        try:
            answers = await run_batch(self._graph, parts, pool=self._pool, tries=BATCH_TRIES)
        except (TooLarge, Unavailable, Malformed):
            return dict.fromkeys(remote_ids)
        found = {answer.key: answer for answer in answers}
        return {each: _together(each, found[each], found[f"photo {each}"]) for each in remote_ids}

    async def one(self, remote_id: str) -> Answer:
        """Fetch one by itself."""
        try:
            try:
                entry = await self._graph.get_json(self._path(remote_id), pool=self._pool)
            except Refused:  # should Microsoft not tell the fields that have no name, the others are kept
                logger.warning("a contact is read without the fields that Graph has no name for")
                entry = await self._graph.get_json(f"{self._base}/{segment(remote_id)}", pool=self._pool)
            return await self._with_photo(remote_id, entry)
        except _STOPS_ALL:
            raise
        except EverkeepError as error:
            if is_mailbox_missing(error):
                raise
            return problem_of(remote_id, error)

    async def _with_photo(self, remote_id: str, entry: dict[str, Any]) -> Fetched:
        try:
            photo = await self._graph.get(self._photo(remote_id), pool=self._pool, limit=PHOTO_LIMIT)
        except Gone as error:
            if is_mailbox_missing(error):
                raise
            return _fetched(remote_id, entry)
        except (Blocked, TooLarge) as error:
            code = error.provider_code if isinstance(error, RemoteError) else error.code
            logger.info("a photo stays behind: %s", code)
            kept = _fetched(remote_id, entry, unreadable=code)
            return kept._replace(missing=(missing_file(remote_id, PHOTO, error),))
        if not photo.body:  # where there is none, Microsoft says so
            raise Malformed("Microsoft gives the photo of a contact without content.")
        kind = str(photo.headers.get("Content-Type") or "")
        return _fetched(remote_id, entry, photo.body, content_type=kind)

    def _path(self, remote_id: str) -> str:
        return f"{self._base}/{segment(remote_id)}?{MORE_QUERY}"

    def _photo(self, remote_id: str) -> str:
        return f"{self._base}/{segment(remote_id)}/photo/$value"


def _together(remote_id: str, contact: PartAnswer, photo: PartAnswer) -> Answer | None:
    if contact.fault is not None:
        if contact.fault.no_mailbox:
            raise contact.fault.error()
        if contact.fault.kind is Gone and not contact.fault.passing:
            return problem_of(remote_id, contact.fault.error())
        return None
    if not isinstance(contact.body, dict):
        return None
    if photo.fault is not None:
        has_none = photo.fault.kind is Gone and not photo.fault.passing
        return _fetched(remote_id, contact.body) if has_none else None
    content = decode_part(photo.body)
    return _fetched(remote_id, contact.body, content) if content else None


def _fetched(
    remote_id: str, entry: dict[str, Any], photo: bytes = b"", *, content_type: str = "", unreadable: str = ""
) -> Fetched:
    document = plain(entry)
    if photo:
        kind = content_type.partition(";")[0].strip()
        kind = kind if kind.startswith("image/") else _image_type(photo)
        document["attachments"] = [{"name": PHOTO, "contentType": kind, "size": len(photo), PART: 0}]
    elif unreadable:
        document["attachments"] = [{"name": PHOTO, "unreadable": unreadable}]
    return Fetched(remote_id, canonical(document), ContentForm.DOCUMENT, (photo,) if photo else ())


def _image_type(content: bytes) -> str:
    """Tell the type by the first bytes: a batch does not say it."""
    starts = {b"\x89PNG": "image/png", b"GIF8": "image/gif", b"BM": "image/bmp"}
    return next((kind for start, kind in starts.items() if content.startswith(start)), "image/jpeg")
