"""The calendars of a mailbox: all that are its own, in whatever group people keep them."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages

from .event_props import CALENDAR_SELECT, calendar_upsert, text_of

_PAGE: Final = 100

Entry = dict[str, Any]


async def list_calendars(
    graph: GraphClient, user: str, *, pool: Pool, known: Collection[str] = ()
) -> list[Upsert]:
    """Return all calendars that belong to this mailbox, each once.

    One that is `known` from earlier rounds stays the mailbox's own whatever its owner's address says now: when
    the primary address changes, calendars may go on naming the old one.

    Every group is asked, then the plain list for what no group names. Calendars that other people share stand
    there too: they are those people's data.
    """
    base = f"/users/{segment(user)}"
    found: dict[str, tuple[Entry, str]] = {}
    async for groups in pages(graph, f"{base}/calendarGroups?$select=id,name&$top={_PAGE}", pool=pool):
        for group in groups:
            path = f"{base}/calendarGroups/{segment(str(group['id']))}/calendars"
            for entry in await _all(graph, path, pool=pool):
                found.setdefault(str(entry["id"]), (entry, text_of(group.get("name"))))
    for entry in await _all(graph, f"{base}/calendars", pool=pool):
        found.setdefault(str(entry["id"]), (entry, ""))
    entries = [entry for entry, _ in found.values()]
    owner = next((_owner(entry) for entry in entries if entry.get("isDefaultCalendar")), "")
    return [
        calendar_upsert(entry, group)
        for entry, group in found.values()
        if entry["id"] in known or _is_own(entry, owner)
    ]


async def _all(graph: GraphClient, path: str, *, pool: Pool) -> list[Entry]:
    found: list[Entry] = []
    async for page in pages(graph, f"{path}?$select={CALENDAR_SELECT}&$top={_PAGE}", pool=pool):
        found += [entry for entry in page if isinstance(entry.get("id"), str)]
    return found


def _is_own(entry: Entry, owner: str) -> bool:
    return not owner or _owner(entry) in ("", owner)


def _owner(entry: Entry) -> str:
    owner = entry.get("owner")
    return text_of(owner.get("address")).casefold() if isinstance(owner, Mapping) else ""
