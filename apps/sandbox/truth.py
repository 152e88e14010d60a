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
from .state import ids


def export(cloud: Cloud, name: str) -> dict[str, Any]:
    """Folders by path and messages with the SHA-256 of their MIME; ids are the immutable ones."""
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
    return {"user": name, "folders": shown, "messages": messages}


def _measured(cloud: Cloud, request: Request, row: Row) -> tuple[int, str]:
    """(bytes, SHA-256) of a message's MIME."""
    if row[MIME] is not None:
        size, sha256 = cloud.db.one("SELECT LENGTH(data), sha256 FROM mime WHERE id = ?", (row[MIME],))
        return size, sha256.hex()
    data = composed(request, row)
    return len(data), hashlib.sha256(data).hexdigest()


def digest(cloud: Cloud, name: str) -> dict[str, Any]:
    """One hash over all that `export` shows except the ids, which differ between mailboxes."""
    whole = export(cloud, name)
    kept = [{key: value for key, value in one.items() if key != "id"} for one in whole["messages"]]
    kept.sort(key=lambda one: orjson.dumps(one, option=orjson.OPT_SORT_KEYS))
    paths = sorted(one["path"] for one in whole["folders"])
    raw = orjson.dumps([paths, kept], option=orjson.OPT_SORT_KEYS)
    return {"hash": hashlib.sha256(raw).hexdigest(), "folders": len(paths), "messages": len(kept)}
