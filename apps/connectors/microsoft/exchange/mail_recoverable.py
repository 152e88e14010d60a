"""Recoverable Items: what people deleted from Deleted Items, as long as Exchange keeps it (14 to 30 days).

The folder lies beside the visible mailbox, so no list of folders names it; it is asked for by its fixed name.
Only its Deletions can be read: what was purged or is held has no name in Microsoft Graph.
"""

from typing import Final

from apps.connectors.base import Change, ChangePage, FolderCount, Removal
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import is_mailbox_missing
from apps.connectors.microsoft.governor import Pool
from apps.core.errors import Gone

from .folders import FOLDER_SELECT, folder_upsert
from .mail_cursor import MailCursor

DELETIONS: Final = "recoverableitemsdeletions"
NAME: Final = "Recoverable Items"


async def recoverable_page(
    graph: GraphClient, user: str, cursor: MailCursor, *, pool: Pool, wanted: bool
) -> ChangePage:
    """Put the folder among those of the round if it is `wanted`, else take it out."""
    known = [each for each, name in cursor.well_known.items() if name == DELETIONS and each in cursor.mail]
    if not wanted:
        for folder_id in known:
            del cursor.mail[folder_id]
        return ChangePage([Removal(folder_id) for folder_id in known])
    path = f"/users/{segment(user)}/mailFolders/{DELETIONS}?$select={FOLDER_SELECT}"
    try:
        entry = await graph.get_json(path, pool=pool)
    except Gone as error:
        if is_mailbox_missing(error):
            raise
        return ChangePage([])
    folder_id = str(entry["id"])
    cursor.well_known[folder_id] = DELETIONS
    cursor.mail.setdefault(folder_id, None)
    folder = folder_upsert({**entry, "displayName": NAME, "isHidden": False}, well_known=DELETIONS, root="")
    changes: list[Change] = [folder._replace(parent_id=None)]
    if isinstance(entry.get("totalItemCount"), int):
        cursor.counts[folder_id] = entry["totalItemCount"]
        changes.append(FolderCount(folder_id, entry["totalItemCount"]))
    return ChangePage(changes)
