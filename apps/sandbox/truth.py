"""What really is in a mailbox, for comparison with a backup or after a restore."""

import hashlib
from typing import Any

import orjson

from .cloud import Cloud
from .graph.messages import SELECT, composed
from .graph.render import (
    CATEGORIES,
    FLAG,
    FOLDER,
    ID,
    IMPORTANCE,
    INTERNET_ID,
    IS_DRAFT,
    IS_READ,
    MIME,
    RECEIVED,
    SENT,
    SUBJECT,
    Row,
)
from .graph.request import Request
from .people.tenant import mailbox_named
from .state import folders as folder_rows
from .state import ids, things
from .state.mailboxes import THING_FOLDERS, Mailbox


def export(cloud: Cloud, name: str) -> dict[str, Any]:
    """Folders by path, messages with the SHA-256 of their MIME, and the other kinds; immutable ids."""
    box = mailbox_named(cloud, name)
    request = Request(cloud, "GET", "", "", {}, b"", "")
    folders = {folder.id: folder for folder in folder_rows.every(cloud.db, box.id)}
    paths = {key: folder_rows.path_of(cloud.db, folder) for key, folder in folders.items()}
    messages = []
    for row in cloud.db.execute(f"{SELECT} WHERE mailbox = ? ORDER BY id", (box.id,)).fetchall():
        size, sha256 = _measured(cloud, request, row)
        messages.append(
            {
                "id": ids.encode(box.guid, ids.IMMUTABLE, row[ID]),
                "folder": paths[row[FOLDER]],
                "subject": row[SUBJECT],
                "internetMessageId": row[INTERNET_ID],
                "received": row[RECEIVED],
                "sent": row[SENT],
                "isRead": bool(row[IS_READ]),
                "isDraft": bool(row[IS_DRAFT]),
                "importance": row[IMPORTANCE],
                "flag": orjson.loads(row[FLAG]) if row[FLAG] else {"flagStatus": "notFlagged"},
                "categories": orjson.loads(row[CATEGORIES]) if row[CATEGORIES] else [],
                "size": size,
                "sha256": sha256,
            }
        )
    shown = [
        {
            "id": ids.encode(box.guid, ids.FOLDER, key),
            "path": paths[key],
            "wellKnown": folder.well_known,
            "hidden": bool(folder.hidden),
            "total": folder.total,
            "unread": folder.unread,
        }
        for key, folder in folders.items()
    ]
    others = {kind: things_of(cloud, box, kind) for kind in THING_FOLDERS}
    return {"user": name, "folders": shown, "messages": messages, **others}


def things_of(cloud: Cloud, box: Mailbox, kind: str) -> dict[str, Any]:
    """`folders` by path and `items` of one kind (contacts, tasks, ...).

    An item: `document` as the provider keeps it, its `files` with the SHA-256 of each, extended `values`, open
    `extensions`.
    """
    db = cloud.db
    folders = {folder.id: folder for folder in things.folders(db, box.id, kind)}
    paths = {key: things.folder_path(db, folder) for key, folder in folders.items()}
    items = []
    for thing in things.every(db, box.id, kind):
        roles = ["attachment", "photo", *(f"date {day}" for day in thing.doc.get("exceptions") or ())]
        files = [file for role in roles for file in things.files(db, thing, role)]
        items.append(
            {
                "id": ids.encode(box.guid, ids.THING, thing.id),
                "folder": paths[thing.folder],
                "created": thing.created,
                "modified": thing.modified,
                "document": thing.doc,
                "files": [
                    {"role": file.role, **file.doc, "sha256": hashlib.sha256(file.data).hexdigest()}
                    for file in files
                ],
                "values": dict(things.values(db, thing).values()),
                "extensions": things.extensions(db, thing),
            }
        )
    shown = [
        {
            "id": ids.encode(box.guid, ids.THING_FOLDER, key),
            "path": paths[key],
            "wellKnown": folder.well_known,
            "document": folder.doc,
        }
        for key, folder in folders.items()
    ]
    return {"folders": shown, "items": items}


def _measured(cloud: Cloud, request: Request, row: Row) -> tuple[int, str]:
    """(bytes, SHA-256) of a message's MIME."""
    if row[MIME] is not None:
        size, sha256 = cloud.db.one("SELECT LENGTH(data), sha256 FROM mime WHERE id = ?", (row[MIME],))
        return size, sha256.hex()
    data = composed(request, row)
    return len(data), hashlib.sha256(data).hexdigest()


def digest(cloud: Cloud, name: str) -> dict[str, Any]:
    """One hash over all that `export` shows except ids, which differ between mailboxes, and times of change."""
    whole = export(cloud, name)
    kept = [{key: value for key, value in one.items() if key != "id"} for one in whole["messages"]]
    kept.sort(key=lambda one: orjson.dumps(one, option=orjson.OPT_SORT_KEYS))
    paths = sorted(one["path"] for one in whole["folders"])
    others = [_comparable(whole[kind]) for kind in THING_FOLDERS]
    raw = orjson.dumps([paths, kept, others], option=orjson.OPT_SORT_KEYS)
    return {"hash": hashlib.sha256(raw).hexdigest(), "folders": len(paths), "messages": len(kept)}


def _comparable(kind: dict[str, Any]) -> list[Any]:
    items = [
        {name: _without_ids(one[name]) for name in ("folder", "document", "files")} for one in kind["items"]
    ]
    items.sort(key=lambda one: orjson.dumps(one, option=orjson.OPT_SORT_KEYS))
    return [sorted(one["path"] for one in kind["folders"]), items]


def _without_ids(value: Any) -> Any:
    """Steps of a task, links on it: made anew, they have other ids."""
    if isinstance(value, dict):
        return {key: _without_ids(each) for key, each in value.items() if key != "id"}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value
