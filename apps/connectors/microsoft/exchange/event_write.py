"""Writing events back: the series, its files, its changed and cancelled dates; nobody is invited or told."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.documents import props_of, read_document
from apps.connectors.microsoft.batch import BATCH_SIZE, Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import Refused, RemoteConflict
from apps.connectors.microsoft.time_zones import moment_of
from apps.connectors.writing import NewItem, WriteItem, Written, passing_key
from apps.core.errors import Gone, Malformed, RemoteError, Unavailable

from .calendars import list_calendars
from .event_compare import event_faults
from .event_compose import compose_event
from .event_dates import SeriesDates, cancelled_dates
from .event_fetch import EVENT_QUERY
from .event_files import attach_all, file_names, files_of
from .item_write import create_once, first_of_each, has_key, quoted, with_key

logger = logging.getLogger(__name__)

_GUESTS: Final = "$select=id,isOrganizer,attendees,isDraft"

Document = Mapping[str, Any]


class EventWriter:
    """Writes events into the calendars of one mailbox (`base.ItemWriter`)."""

    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool, self._user_id = graph, graph.pool(user), user
        self._user = f"/users/{segment(user)}"

    async def folders(self) -> list[Upsert]:
        return await list_calendars(self._graph, self._user_id, pool=self._pool)

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        """Return the calendar of that name. Calendars do not nest: one below another is named after both."""
        for attempt in range(1, self._graph.patience.tries + 1):
            live = await self.folders()
            above = next((each.name for each in live if each.remote_id == parent_id), "")
            wanted = f"{above} - {name}" if above else name
            found = next((each for each in live if each.name.casefold() == wanted.casefold()), None)
            if found is not None:
                return found.remote_id
            try:
                path = f"{self._user}/calendars"
                answer = await self._graph.write_json("POST", path, {"name": wanted}, pool=self._pool)
                created = answer.json().get("id")
                if isinstance(created, str):
                    return created
            except (RemoteConflict, Unavailable, Malformed) as error:  # quirk 61: it may exist all the same
                logger.info("making a calendar: %s", error.code)
            await self._graph.pause(self._graph.patience.wait_before(attempt))
        raise Unavailable("Microsoft does not make the calendar.", item=name, do="Try the restore again.")

    async def remove_folder(self, remote_id: str) -> bool:
        """Delete a calendar that holds nothing."""
        path = f"{self._user}/calendars/{segment(remote_id)}"
        try:
            found = await self._graph.get_json(f"{path}/events?$top=1&$select=id", pool=self._pool)
            if found.get("value"):
                return False
            await self._graph.write_json("DELETE", path, None, pool=self._pool, repeatable=True)
        except Gone:
            logger.info("a calendar to be removed has gone already")
        return True

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        return await self._find(folder_id, {key: has_key(key) for key in restore_keys})

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Map remote ids to live ids: the same event if still in this calendar, else one of its uid."""
        live: dict[str, str] = {}
        for few in in_batches(list(dict(items))):
            parts = [Part(each, f"{self._event(each)}/calendar?$select=id") for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                if isinstance(answer.body, dict) and answer.body.get("id") == folder_id:
                    live[answer.key] = answer.key
        queries = {}
        for remote_id, props in items:
            uid = props_of(props).get("iCalUId")
            if remote_id not in live and isinstance(uid, str) and uid:
                queries[remote_id] = f"iCalUId eq {quoted(uid)}"
        return live | await self._find(folder_id, queries)

    async def _find(self, folder_id: str, queries: Mapping[str, str]) -> dict[str, str]:
        base = f"{self._user}/calendars/{segment(folder_id)}/events?$select=id&$top=1&$filter="
        paths = {key: base + segment(query) for key, query in queries.items()}
        found = await first_of_each(self._graph, paths, pool=self._pool)
        return {key: str(entries[0]["id"]) for key, entries in found.items() if entries}

    async def write(self, item: WriteItem) -> NewItem:
        """Create the event.

        With files or dates of its own it is created under a passing key and gets its key when it is whole: an
        event that is found by its key is complete, and one that an interrupted try left is removed by the next.
        """
        document = read_document(item.content)
        composed = compose_event(document, name=item.name, tags=item.tags)
        files, lost = files_of(document, item.attachments)
        has_dates = bool(document.get("exceptionOccurrences") or cancelled_dates(document))
        said = [*composed.not_possible, *lost]
        if not files and not has_dates:
            return NewItem(await self._create(item.folder_id, composed.body, item.restore_key), tuple(said))
        passing = passing_key(item.restore_key)
        for left in (await self.find_restored(item.folder_id, [passing])).values():
            await self.remove(left)
        new_id = await self._create(item.folder_id, composed.body, passing)
        try:
            await attach_all(self._graph, self._event(new_id), files, pool=self._pool)
            if has_dates:
                dates = SeriesDates(self._graph, self._user_id, new_id, document, pool=self._pool)
                said += await dates.write(item.attachments, item.tags)
            final = with_key(item.restore_key)
            await self._graph.write_json("PATCH", self._event(new_id), final, pool=self._pool, repeatable=True)
        except RemoteError:
            await self.remove(new_id)
            raise
        return NewItem(new_id, tuple(dict.fromkeys(said)))

    async def _create(self, folder_id: str, body: dict[str, Any], key: str) -> str:
        path = f"{self._user}/calendars/{segment(folder_id)}/events"

        async def look() -> str | None:
            return (await self.find_restored(folder_id, [key])).get(key)

        keyed = {**body, **with_key(key)}
        return await create_once(self._graph, path, keyed, pool=self._pool, look=look, thing="event")

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        """Return what the calendars show of these events; those that are not there are left out."""
        found: dict[str, Written] = {}
        for few in in_batches(list(items), BATCH_SIZE // 2):
            parts = [Part(each, f"{self._event(each)}?{EVENT_QUERY}") for each in few]
            parts += [Part(f"in {each}", f"{self._event(each)}/calendar?$select=id") for each in few]
            answers = {answer.key: answer for answer in await run_batch(self._graph, parts, pool=self._pool)}
            for each in few:
                for answer in (answers[each], answers[f"in {each}"]):
                    if answer.fault is not None and not isinstance(answer.fault.error(), Gone):
                        raise answer.fault.error()
                entry, calendar = answers[each].body, answers[f"in {each}"].body
                if isinstance(entry, dict) and isinstance(calendar, dict):
                    found[each] = await self._written(each, entry, calendar, items[each])
        return found

    async def _written(
        self, remote_id: str, entry: Document, calendar: Document, item: WriteItem | None
    ) -> Written:
        faults = await self._faults(remote_id, entry, item) if item else []
        return Written(
            remote_id=remote_id,
            folder_id=str(calendar.get("id") or ""),
            name=str(entry.get("subject") or ""),
            time=moment_of(entry.get("start")),
            is_draft=bool(entry.get("isDraft")),
            state=str(entry.get("changeKey") or ""),
            faults=tuple(faults),
        )

    async def _faults(self, remote_id: str, entry: Document, item: WriteItem) -> list[str]:
        document = read_document(item.content)
        composed = compose_event(document, name=item.name, tags=item.tags)
        faults = event_faults(composed, document, entry)
        files, _ = files_of(document, item.attachments)
        if files:
            there = await file_names(self._graph, self._event(remote_id), pool=self._pool)
            there.subtract(file.name for file in files)
            faults += [f"File {name}" for name, count in there.items() if count]
        return faults

    async def remove(self, remote_id: str) -> None:
        """Delete an event; one that has gone already is no error.

        Raises Refused for a meeting of the mailbox's own with guests: Exchange would tell them that it is
        cancelled, and nothing silences that.
        """
        path = self._event(remote_id)
        try:
            found = await self._graph.get_json(f"{path}?{_GUESTS}", pool=self._pool)
            if found.get("isOrganizer") and found.get("attendees") and not found.get("isDraft"):
                raise Refused(
                    "It has attendees: deleting it would send them a cancellation.",
                    do="Delete it in Outlook, if they may be told.",
                )
            await self._graph.write_json("DELETE", path, None, pool=self._pool, repeatable=True)
        except Gone:
            logger.info("an event to be removed has gone already")

    def _event(self, remote_id: str) -> str:
        return f"{self._user}/events/{segment(remote_id)}"
