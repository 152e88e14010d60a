"""Dates of a series that are not as the series says: found by their original date, changed, cancelled.

A series has at most one occurrence a day, so its original date, on the clock of the series, tells it apart.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import Refused
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages
from apps.connectors.microsoft.time_zones import UTC_ZONE, moment_of, zone_named
from apps.core.errors import Gone

from .event_compose import compose_exception
from .event_files import files_of, replace_all

_SELECT: Final = "id,type,start,originalStart"

Document = Mapping[str, Any]


def cancelled_dates(document: Document) -> set[date]:
    """Read `cancelledOccurrences`: each ends with its original date."""
    found: set[date] = set()
    for text in document.get("cancelledOccurrences") or ():
        try:
            found.add(date.fromisoformat(str(text)[-10:]))
        except ValueError:  # a spelling that nobody has seen: the verification names what differs
            continue
    return found


def changed_dates(document: Document) -> dict[date, Document]:
    """Return the changed dates of a series by original date."""
    found: dict[date, Document] = {}
    for exception in document.get("exceptionOccurrences") or ():
        day = original_date(exception, document)
        if day is not None:
            found[day] = exception
    return found


def original_date(occurrence: Document, series: Document) -> date | None:
    """Return the day on which this one would have been, on the clock of the series."""
    moment = moment_of(occurrence.get("originalStart")) or moment_of(occurrence.get("start"))
    return None if moment is None else day_of(moment, series)


def day_of(moment: datetime, series: Document) -> date:
    """Return the day of a start. Whole days are told at midnight in UTC, or at midnight there."""
    if series.get("isAllDay") is True and moment.time() == time():
        return moment.date()
    zone = zone_named(str(series.get("originalStartTimeZone") or "UTC")) or UTC_ZONE
    return moment.astimezone(zone).date()


class SeriesDates:
    """Writes the dates of one series that was just created."""

    def __init__(
        self, graph: GraphClient, user: str, series_id: str, document: Document, *, pool: Pool
    ) -> None:
        self._graph, self._pool, self._document = graph, pool, document
        self._events = f"/users/{segment(user)}/events"
        self._series = f"{self._events}/{segment(series_id)}"

    async def write(self, parts: Sequence[bytes], tags: Sequence[str]) -> list[str]:
        """Cancel and change what differs from the series; returns in words what was not possible.

        A date cannot be moved past its neighbours: room is made by cancelling first, then the last ones move
        before the first; what is refused then is tried once more the other way round.
        """
        lost: list[str] = []
        changed = changed_dates(self._document)
        for day in sorted(cancelled_dates(self._document) - changed.keys()):
            if not await self._cancel(day):
                lost.append(f"The cancelled date {day} is not a date of the restored series.")
        waiting = sorted(changed, reverse=True)
        for last_try in (False, True):
            refused: list[date] = []
            for day in waiting:
                try:
                    lost += await self._change(day, changed[day], parts, tags)
                except Refused as error:
                    refused.append(day)
                    if last_try:
                        lost.append(f"The changed date {day}: {error.what}")
            waiting = sorted(refused)
        return lost

    async def _cancel(self, day: date) -> bool:
        instance = await self._find(day)
        if instance is None:
            return False
        try:
            path = f"{self._events}/{segment(instance)}"
            await self._graph.write_json("DELETE", path, None, pool=self._pool, repeatable=True)
        except Gone:
            return True
        return True

    async def _change(
        self, day: date, exception: Document, parts: Sequence[bytes], tags: Sequence[str]
    ) -> list[str]:
        instance = await self._find(day)
        if instance is None:
            return [f"The changed date {day} is not a date of the restored series."]
        path = f"{self._events}/{segment(instance)}"
        composed = compose_exception(exception, self._document, tags)
        answer = await self._graph.write_json("PATCH", path, composed.body, pool=self._pool, repeatable=True)
        files, lost = files_of(exception, parts)
        if files or self._document.get("attachments"):
            changed = answer.json().get("id")  # an occurrence may get another id when it becomes an exception
            if isinstance(changed, str):
                path = f"{self._events}/{segment(changed)}"
            await replace_all(self._graph, path, files, pool=self._pool)
        return [*composed.not_possible, *lost]

    async def _find(self, day: date) -> str | None:
        """Return the id of the date that was originally on that day."""
        start, end = day - timedelta(days=1), day + timedelta(days=2)
        window = f"startDateTime={start}T00:00:00Z&endDateTime={end}T00:00:00Z"
        query = f"{self._series}/instances?{window}&$select={_SELECT}&$top=50"
        async for page in pages(self._graph, query, pool=self._pool):
            for instance in page:
                moved = instance.get("type") == "exception" and instance.get("originalStart")
                moment = moment_of(instance.get("originalStart" if moved else "start"))
                if moment is not None and day_of(moment, self._document) == day:
                    return str(instance["id"])
        return None
