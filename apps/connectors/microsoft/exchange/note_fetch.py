"""Fetching notes as documents with their files."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pybase64

from apps.connectors.base import ContentForm, Fetched, FetchProblem
from apps.connectors.documents import PART, canonical
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import is_mailbox_missing
from apps.connectors.microsoft.paging import pages
from apps.core.errors import ConsentLost, EverkeepError, Malformed, Throttled

from .item_document import OWN_TO_THE_PLACE, list_of, plain, text_of
from .mail_fetch import missing_file, problem_of

_STOPS_ALL: Final = (ConsentLost, Throttled)
_DROPPED: Final = OWN_TO_THE_PLACE | {"isDeleted"}
_FILE_DROPPED: Final = frozenset({"id", "contentBytes", "lastModifiedDateTime"})


async def fetch_notes(
    graph: GraphClient, user: str, remote_ids: Sequence[str]
) -> AsyncIterator[Fetched | FetchProblem]:
    """Yield exactly one answer per id. Notes are few and small: each is asked for by itself.

    Raises what concerns all: ConsentLost, Throttled, and Gone when the mailbox itself is not reached.
    """
    pool, base = graph.pool(user), f"/users/{segment(user)}/notes"
    for remote_id in dict.fromkeys(remote_ids):
        path = f"{base}/{segment(remote_id)}"
        try:
            entry = await graph.get_json(path, pool=pool)
            files: list[dict[str, Any]] = []
            if entry.get("hasAttachments") or "cid:" in str((entry.get("body") or {}).get("content")):
                async for page in pages(graph, f"{path}/attachments", pool=pool):
                    files += page
            yield _fetched(remote_id, entry, files)
        except _STOPS_ALL:
            raise
        except EverkeepError as error:
            if is_mailbox_missing(error):
                raise
            yield problem_of(remote_id, error)


def _fetched(remote_id: str, entry: dict[str, Any], files: list[dict[str, Any]]) -> Fetched:
    document, parts, told = plain(entry, dropped=_DROPPED), list[bytes](), list[dict[str, Any]]()
    missing: list[FetchProblem] = []
    document.pop("attachments", None)
    for each in files:
        kept = plain(each, dropped=_FILE_DROPPED)
        content = each.get("contentBytes")
        if isinstance(content, str):
            try:
                parts.append(pybase64.b64decode(content, validate=True))
            except ValueError as error:  # binascii.Error is one
                raise Malformed("Microsoft gives a file of a note whose content is not whole.") from error
            kept[PART] = len(parts) - 1
        else:
            without = Malformed("Microsoft gives this file of a note without its content.")
            missing.append(missing_file(remote_id, text_of(each.get("name")), without))
            kept["unreadable"] = str(each.get("@odata.type") or "no content").rpartition(".")[2]
        told.append(kept)
    if told:
        document["attachments"] = told
    return Fetched(remote_id, canonical(document), ContentForm.DOCUMENT, tuple(parts), tuple(missing))


def files_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a document's files."""
    return [each for each in list_of(document.get("attachments")) if isinstance(each, dict)]
