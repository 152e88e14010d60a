"""Folders of a live mailbox: listed, found by name, made."""

import logging

from apps.connectors.base import Upsert
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import RemoteConflict
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages
from apps.core.errors import Gone, Malformed, Unavailable

from .folder_changes import FolderRound
from .folders import ROOT
from .mail_cursor import MailCursor

logger = logging.getLogger(__name__)


async def list_folders(graph: GraphClient, user: str, *, pool: Pool) -> list[Upsert]:
    """Return all folders, parents before children."""
    found: dict[str, Upsert] = {}
    async for page in FolderRound(graph, user, MailCursor(), pool=pool).pages():
        for change in page.changes:
            if isinstance(change, Upsert):
                found[change.remote_id] = change
    ordered: dict[str, Upsert] = {}
    for folder in found.values():
        line = [folder]
        while (parent := found.get(line[-1].parent_id or "")) is not None and parent not in line:
            line.append(parent)
        for each in reversed(line):
            ordered.setdefault(each.remote_id, each)
    return list(ordered.values())


async def ensure_folder(graph: GraphClient, user: str, parent_id: str | None, name: str, *, pool: Pool) -> str:
    """Return the folder of that name below the parent (None: the root), made when it is missing.

    Making one may be answered by 409 or 5xx although it exists (quirk 61): it is then looked up by name.
    """
    path = f"/users/{segment(user)}/mailFolders/{segment(parent_id or ROOT)}/childFolders"
    for attempt in range(1, graph.patience.tries + 1):
        if found := await _find(graph, path, name, pool=pool):
            return found
        try:
            answer = await graph.write_json("POST", path, {"displayName": name}, pool=pool)
            created = answer.json().get("id")
            if isinstance(created, str):
                return created
        except (RemoteConflict, Unavailable, Malformed) as error:
            logger.info("making a folder: %s", error.code)
        await graph.pause(graph.patience.wait_before(attempt))
    raise Unavailable("Microsoft does not make the folder.", item=name, do="Try the restore again.")


async def _find(graph: GraphClient, path: str, name: str, *, pool: Pool) -> str | None:
    """Look for a name as Exchange compares it: without regard to case."""
    query = f"{path}?includeHiddenFolders=true&$select=id,displayName&$top=250"
    async for page in pages(graph, query, pool=pool):
        for entry in page:
            if str(entry.get("displayName", "")).casefold() == name.casefold():
                return str(entry["id"])
    return None


async def remove_folder(graph: GraphClient, user: str, folder_id: str, *, pool: Pool) -> bool:
    """Delete a folder that holds nothing; False when it holds something. One that has gone is no error.

    For good: DELETE would leave the empty folder among the deleted items.
    """
    path = f"/users/{segment(user)}/mailFolders/{segment(folder_id)}"
    try:
        found = await graph.get_json(f"{path}?$select=totalItemCount,childFolderCount", pool=pool)
        if found.get("totalItemCount") or found.get("childFolderCount"):
            return False
        await graph.write_json("POST", f"{path}/permanentDelete", None, pool=pool, repeatable=True)
    except Gone:
        logger.info("a folder to be removed has gone already")
    return True
