"""The calendars of a mailbox: all that are its own, in whatever group people keep them."""

import logging
from collections.abc import Collection, Mapping
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages
from apps.core.errors import Forbidden, Gone

from .event_props import CALENDAR_SELECT, calendar_upsert, text_of

logger = logging.getLogger(__name__)

_PAGE: Final = 100

Entry = dict[str, Any]


async def list_calendars(
    graph: GraphClient, user: str, *, pool: Pool, known: Collection[str] = ()
) -> list[Upsert]:
    """Return all calendars that belong to this mailbox, each once.

    One that is `known` from earlier rounds stays the mailbox's own whatever its owner's address says now: when
    the primary address changes, calendars may go on naming the old one. One that names another address than
    the default calendar is its own if the mailbox goes by that address too.

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
    own = {owner, ""}
    if owner and any(_owner(entry) not in own and entry["id"] not in known for entry in entries):
        own |= await _addresses(graph, base, pool=pool)
    return [
        calendar_upsert(entry, group)
        for entry, group in found.values()
        if entry["id"] in known or not owner or _owner(entry) in own
    ]


async def _all(graph: GraphClient, path: str, *, pool: Pool) -> list[Entry]:
    found: list[Entry] = []
    async for page in pages(graph, f"{path}?$select={CALENDAR_SELECT}&$top={_PAGE}", pool=pool):
        found += [entry for entry in page if isinstance(entry.get("id"), str)]
    return found


async def _addresses(graph: GraphClient, base: str, *, pool: Pool) -> set[str]:
    """Return every address that the mailbox goes by, older ones too; none where we may not ask."""
    try:
        user = await graph.get_json(f"{base}?$select=mail,userPrincipalName,proxyAddresses", pool=pool)
    except (Forbidden, Gone) as error:
        logger.info("the addresses of a mailbox are not told: %s", error.code)
        return set()
    proxies = user.get("proxyAddresses")
    told = [user.get("mail"), user.get("userPrincipalName"), *(proxies if isinstance(proxies, list) else ())]
    return {text_of(each).casefold().removeprefix("smtp:") for each in told if text_of(each)}


def _owner(entry: Entry) -> str:
    owner = entry.get("owner")
    return text_of(owner.get("address")).casefold() if isinstance(owner, Mapping) else ""
