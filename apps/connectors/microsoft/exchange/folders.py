"""The folder tree of a mailbox: what is in it, what is left out, and what the well-known folders are."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson

from apps.connectors.base import Upsert
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages

ROOT: Final = "msgfolderroot"
ROOT_NAME: Final = "Top of Information Store"
WELL_KNOWN: Final = (
    ROOT,
    "inbox",
    "drafts",
    "sentitems",
    "deleteditems",
    "archive",
    "junkemail",
    "outbox",
    "clutter",
    "conversationhistory",
    "scheduled",
    "syncissues",
    "conflicts",
    "localfailures",
    "serverfailures",
    "searchfolders",
    "recoverableitemsdeletions",
)
FOLDER_SELECT: Final = "id,displayName,parentFolderId,childFolderCount,totalItemCount,isHidden"
_LEFT_OUT: Final = ("searchfolders", "recoverableitemsdeletions")


def folder_upsert(entry: Mapping[str, Any], *, well_known: str, root: str) -> Upsert:
    """Turn a folder as listed into a change. Counts are not kept: they change every day."""
    parent = entry.get("parentFolderId")
    is_root = entry["id"] == root
    name = str(entry.get("displayName") or (ROOT_NAME if is_root else ""))
    props = orjson.dumps({"v": 1, **({"isHidden": True} if entry.get("isHidden") else {})})
    parent_id = None if is_root else (parent if isinstance(parent, str) else root or None)
    state = "\0".join((name, parent_id or "", well_known, props.decode()))
    return Upsert(
        remote_id=entry["id"],
        parent_id=parent_id,
        is_folder=True,
        name=name.replace("\x00", ""),
        etag=hashlib.blake2b(state.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest(),
        props=props,
        well_known=well_known,
    )


def is_left_out(entry: Mapping[str, Any], well_known: Mapping[str, str]) -> bool:
    """Tell whether a folder holds no mail of its own (search folders) or is not part of the visible mailbox.

    `well_known`: name by folder id.
    """
    if "searchfolder" in str(entry.get("@odata.type", "")).lower():
        return True
    left_out = {folder_id for folder_id, name in well_known.items() if name in _LEFT_OUT}
    return entry["id"] in left_out or entry.get("parentFolderId") in left_out


async def hidden_below(
    graph: GraphClient, user: str, folder: Mapping[str, Any], *, pool: Pool
) -> AsyncIterator[dict[str, Any]]:
    """Yield the folders inside a hidden folder, at any depth: the list of changes does not name them."""
    waiting = [folder]
    while waiting:
        parent = waiting.pop()
        if not parent.get("childFolderCount"):
            continue
        path = f"/users/{segment(user)}/mailFolders/{segment(parent['id'])}/childFolders"
        async for page in pages(graph, f"{path}?includeHiddenFolders=true&$top=250", pool=pool):
            for child in page:
                yield child
                waiting.append(child)


async def walk_folders(graph: GraphClient, user: str, *, pool: Pool) -> AsyncIterator[dict[str, Any]]:
    """Yield every folder below the root, parents first, by plain lists (quirk 20: each lists one level)."""
    path = f"/users/{segment(user)}/mailFolders?includeHiddenFolders=true&$top=250"
    async for page in pages(graph, path, pool=pool):
        for folder in page:
            yield folder
            async for below in hidden_below(graph, user, folder, pool=pool):
                yield below
