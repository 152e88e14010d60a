"""Fetching events as documents: a series is one, with its changed and cancelled dates and all their files."""

import base64
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apps.connectors.base import ContentForm, Fetched, FetchProblem
from apps.connectors.documents import PART, canonical
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import is_mailbox_missing
from apps.connectors.microsoft.paging import pages
from apps.connectors.microsoft.time_zones import moment_of, stamp
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

from .event_props import text_of
from .mail_fetch import missing_file, problem_of

logger = logging.getLogger(__name__)

FILE_LIMIT: Final = 215 * 1024 * 1024
"""An attachment of 150 MB, as base64 in JSON."""
BATCH: Final = 10
BATCH_TRIES: Final = 2
_LONGEST, _FAR, _MOST_WINDOWS = timedelta(days=1800), timedelta(days=5 * 365), 40
KIND: Final = "@odata.type"
_LISTED: Final = "id,name,contentType,size,isInline"
_FIELDS: Final = (
    "type,subject,body,start,end,originalStartTimeZone,originalEndTimeZone,isAllDay,recurrence,location,locations,"
    "organizer,isOrganizer,attendees,responseStatus,responseRequested,allowNewTimeProposals,hideAttendees,showAs,"
    "sensitivity,importance,categories,isReminderOn,reminderMinutesBeforeStart,isCancelled,isDraft,hasAttachments,"
    "isOnlineMeeting,onlineMeeting,onlineMeetingProvider,onlineMeetingUrl,iCalUId,createdDateTime,"
    "lastModifiedDateTime,cancelledOccurrences"
)
EVENT_QUERY: Final = f"$select=changeKey,{_FIELDS}&$expand=exceptionOccurrences"
_DROPPED: Final = {"id", "changeKey", "webLink", "seriesMasterId", "transactionId", "calendar", "bodyPreview"}
_STOPS_ALL: Final = (ConsentLost, Throttled)


class _NoContent(Malformed):
    """An attached item whose MIME is empty: by a fault that passes, or for good."""

    provider_code = "noContent"


_FILE_STAYS_BEHIND: Final = (Blocked, Gone, TooLarge, _NoContent)
"""Quirk 42: the event is kept, and its list of files says which one Microsoft does not hand out."""

Answer = Fetched | FetchProblem
Document = dict[str, Any]


async def fetch_events(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> AsyncIterator[Answer]:
    """Yield exactly one answer per id, in any order.

    Raises what concerns all: ConsentLost, Throttled, and Gone when the mailbox itself is not reached.
    """
    fetcher = _Fetcher(graph, user)
    waiting = deque(in_batches(list(dict.fromkeys(remote_ids)), BATCH))
    while waiting:
        few = waiting.popleft()
        found, alone = await fetcher.batch(few)
        for remote_id, entry in found.items():
            yield await fetcher.whole(remote_id, entry)
        for remote_id in alone:
            yield await fetcher.one(remote_id)


@dataclass(slots=True)
class Files:
    """What is found of the files of one item."""

    remote_id: str
    parts: list[bytes] = field(default_factory=list)
    missing: list[FetchProblem] = field(default_factory=list)


class _Fetcher:
    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool = graph, graph.pool(user)
        self._base = f"/users/{segment(user)}/events"

    async def batch(self, remote_ids: Sequence[str]) -> tuple[dict[str, Document], list[str]]:
        """Return what came at once, and the ids of those that must be asked for alone."""
        parts = [Part(each, self._path(each)) for each in remote_ids]
        try:
            answers = await run_batch(self._graph, parts, pool=self._pool, tries=BATCH_TRIES)
        except (TooLarge, Unavailable, Malformed):
            return {}, list(remote_ids)
        found = {each.key: each.body for each in answers if each.fault is None and isinstance(each.body, dict)}
        return found, [each for each in remote_ids if each not in found]

    async def one(self, remote_id: str) -> Answer:
        """Fetch one by itself."""
        try:
            entry = await self._graph.get_json(self._path(remote_id), pool=self._pool)
        except _STOPS_ALL:
            raise
        except EverkeepError as error:
            return _problem(remote_id, error)
        return await self.whole(remote_id, entry)

    async def whole(self, remote_id: str, entry: Document) -> Answer:
        """Add the files of the event, and of its changed dates."""
        contents = Files(remote_id)
        try:
            document = await self._document(entry, remote_id, contents)
            exceptions = entry.get("exceptionOccurrences")
            cut = "exceptionOccurrences@odata.nextLink" in entry
            if cut or (exceptions is None and entry.get("type") == "seriesMaster"):
                exceptions = await self._exceptions(remote_id, entry)
            if isinstance(exceptions, list) and exceptions:
                changed = [
                    await self._document(each, str(each.get("id") or ""), contents)
                    for each in exceptions
                    if isinstance(each, dict)
                ]
                changed.sort(key=lambda each: str(each.get("originalStart") or ""))
                document["exceptionOccurrences"] = changed
        except _STOPS_ALL:
            raise
        except EverkeepError as error:
            return _problem(remote_id, error)
        return Fetched(
            remote_id, canonical(document), ContentForm.DOCUMENT, tuple(contents.parts), tuple(contents.missing)
        )

    async def _exceptions(self, series_id: str, series: Document) -> list[Document]:
        """Look through the dates of a series whose answer leaves the changed ones out altogether."""
        base = f"{self._base}/{segment(series_id)}/instances"
        ids: list[str] = []
        for since, until in windows(series):
            window = f"startDateTime={stamp(since)}&endDateTime={stamp(until)}"
            async for page in pages(self._graph, f"{base}?{window}&$select=id,type&$top=200", pool=self._pool):
                ids += [str(each["id"]) for each in page if each.get("type") == "exception"]
        found = []
        for each in dict.fromkeys(ids):
            path = f"{self._base}/{segment(each)}?$select=originalStart,{_FIELDS}"
            found.append(await self._graph.get_json(path, pool=self._pool))
        return found

    async def _document(self, entry: Document, event_id: str, contents: Files) -> Document:
        document: Document = plain(entry)
        document.pop("exceptionOccurrences", None)
        if event_id and may_have_files(entry):
            files = await self._files(event_id, contents)
            if files:
                document["attachments"] = files
        return document

    async def _files(self, event_id: str, contents: Files) -> list[Document]:
        """Read the files one by one: asking for many at once fails where there are many (quirk 43)."""
        found: list[Document] = []
        base = f"{self._base}/{segment(event_id)}/attachments"
        async for page in pages(
            self._graph, f"{base}?$select=id,name,contentType,size,isInline", pool=self._pool
        ):
            for listed in page:
                path = f"{base}/{segment(str(listed.get('id')))}"
                found.append(await self._file(path, listed, contents))
        return found

    async def _file(self, path: str, listed: Document, contents: Files) -> Document:
        try:
            query = "?$expand=microsoft.graph.itemAttachment/item"
            answer = await self._graph.get(f"{path}{query}", pool=self._pool, limit=FILE_LIMIT)
            entry = answer.json()
            content = await self._bytes(path, entry)
        except _FILE_STAYS_BEHIND as error:
            code = error.provider_code if isinstance(error, RemoteError) else error.code
            logger.info("an attachment of an event stays behind: %s", code)
            contents.missing.append(missing_file(contents.remote_id, text_of(listed.get("name")), error))
            return {**_file_entry(listed), "unreadable": code}
        described = _file_entry(entry)
        if content is not None:
            described[PART] = len(contents.parts)
            contents.parts.append(content)
        return described

    async def _bytes(self, path: str, entry: Document) -> bytes | None:
        """Return the content of a file, or the MIME of an attached item; None for a link."""
        kind = str(entry.get(KIND, "")).lower()
        if kind.endswith("itemattachment"):
            mime = (await self._graph.get(f"{path}/$value", pool=self._pool, limit=FILE_LIMIT)).body
            if not mime:  # no item is without
                raise _NoContent("Microsoft gives an attached item without its content.")
            return mime
        if kind.endswith("referenceattachment"):
            return None
        given = entry.get("contentBytes")
        if not isinstance(given, str):
            raise Malformed("Microsoft gives an attachment without its content.")
        try:
            return base64.b64decode(given, validate=True)
        except ValueError as error:  # binascii.Error is one
            raise Malformed("Microsoft gives an attachment whose content is not whole.") from error

    def _path(self, remote_id: str) -> str:
        return f"{self._base}/{segment(remote_id)}?{EVENT_QUERY}"


def windows(series: Mapping[str, Any]) -> list[tuple[datetime, datetime]]:
    """Cut the life of a series into spans that Graph answers (1,825 days); without end: 5 years from now."""
    start = moment_of(series.get("start")) or datetime.now(UTC)
    span = (series.get("recurrence") or {}).get("range") or {}
    until = datetime.now(UTC) + _FAR
    if span.get("type") == "endDate" and isinstance(span.get("endDate"), str):
        until = min(until, (moment_of(f"{span['endDate']}T00:00:00") or until) + timedelta(days=2))
    since = start - timedelta(days=1)
    found: list[tuple[datetime, datetime]] = []
    while since < until and len(found) < _MOST_WINDOWS:
        found.append((since, min(since + _LONGEST, until)))
        since += _LONGEST
    return found


def may_have_files(entry: Mapping[str, Any]) -> bool:
    """Tell whether to ask for files: the mark leaves out pictures inside the text (quirk 44)."""
    body = entry.get("body")
    content = str(body.get("content") or "") if isinstance(body, Mapping) else ""
    return bool(entry.get("hasAttachments")) or "cid:" in content.lower()


def plain(value: Any, *, top: bool = True) -> Any:
    """Drop what changes by itself or is said twice: annotations, links, change keys, ids of the item."""
    if isinstance(value, Mapping):
        dropped = _DROPPED if top else set()
        return {
            key: plain(each, top=False)
            for key, each in value.items()
            if "@" not in key and key not in dropped and each is not None
        }
    return [plain(each, top=False) for each in value] if isinstance(value, list) else value


def _file_entry(entry: Mapping[str, Any]) -> Document:
    """Keep what Microsoft tells of a file, its kind included, without bytes."""
    described: Document = {key: each for key, each in plain(entry).items() if key != "contentBytes"}
    if isinstance(described.get("item"), Mapping):
        inner = entry["item"].get(KIND)
        described["item"] = plain(described["item"]) | ({KIND: inner} if isinstance(inner, str) else {})
    if isinstance(entry.get(KIND), str):
        described[KIND] = entry[KIND]
    return described


def _problem(remote_id: str, error: EverkeepError) -> FetchProblem:
    if is_mailbox_missing(error):
        raise error
    return problem_of(remote_id, error)
