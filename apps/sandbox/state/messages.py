"""Messages: insertion, handling (read, flag, move, delete), each with its entry in the change log."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from ..mail.parse import Letter, parse_mime
from .database import Database

COLUMNS = (
    "id, mailbox, folder, version, seq, received, sent, created, modified, is_read, is_draft, "
    "has_attachments, importance, subject, internet_id, conversation, sender, size, mime, flag, "
    "categories, props"
)
INSERT = (
    "INSERT INTO messages (mailbox, folder, seq, content_seq, arrived_seq, received, sent, created, modified, "
    "is_read, is_draft, has_attachments, importance, subject, internet_id, conversation, sender, size, mime, "
    "flag, categories, props, content) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


def store_mime(db: Database, data: bytes) -> int:
    """Keep the bytes once, however many mailboxes hold them."""
    digest = hashlib.sha256(data).digest()
    row = db.one("SELECT id FROM mime WHERE sha256 = ?", (digest,))
    if row:
        return int(row[0])
    return int(db.execute("INSERT INTO mime (sha256, data) VALUES (?, ?)", (digest, data)).lastrowid or 0)


def insert(
    db: Database,
    *,
    mailbox: int,
    folder: int,
    letter: Letter,
    received: str,
    mime: int | None,
    size: int,
    modified: str,
    is_read: bool = False,
    is_draft: bool = False,
    flag: Mapping[str, Any] | None = None,
    categories: list[str] | None = None,
    content: Mapping[str, Any] | None = None,
) -> int:
    """Put one message into a folder and return its key. `content` is the body when there is no MIME."""
    with db.transaction():
        seq = db.next_seq()
        row = (
            mailbox, folder, seq, seq, seq, received, letter.sent or received, modified, modified,
            is_read, is_draft, letter.has_attachments, letter.importance, letter.subject, letter.internet_id,
            letter.conversation, letter.sender, size, mime,
            orjson.dumps(flag).decode() if flag else None,
            orjson.dumps(categories).decode() if categories else None,
            orjson.dumps(letter.props), orjson.dumps(content) if content is not None else None,
        )  # fmt: skip
        return int(db.execute(INSERT, row).lastrowid or 0)


def deliver_mime(
    db: Database, *, mailbox: int, folder: int, data: bytes, now: str, received: str | None = None, **state: Any
) -> int:
    """Load a raw message; its bytes are served back exactly. `state` goes to `insert`."""
    letter = parse_mime(data)
    if not letter.internet_id:  # Exchange gives one to every message that comes without
        letter.internet_id = f"<{hashlib.sha256(data).hexdigest()[:32]}@sandbox.prod.outlook.example>"
    with db.transaction():
        return insert(
            db,
            mailbox=mailbox,
            folder=folder,
            letter=letter,
            received=received or letter.received or letter.sent or now,
            mime=store_mime(db, data),
            size=len(data),
            modified=now,
            **state,
        )


def locate(db: Database, mailbox: int, key: int) -> tuple[int, int] | None:
    """(folder, version) of a message."""
    return db.one("SELECT folder, version FROM messages WHERE id = ? AND mailbox = ?", (key, mailbox))  # type: ignore[no-any-return]


def mime_bytes(db: Database, key: int) -> bytes | None:
    """The loaded MIME; None when the message was made of fields."""
    row = db.one("SELECT b.data FROM messages m JOIN mime b ON b.id = m.mime WHERE m.id = ?", (key,))
    return None if row is None else bytes(row[0])


def content_of(db: Database, key: int) -> dict[str, Any]:
    row = db.one("SELECT content FROM messages WHERE id = ?", (key,))
    return orjson.loads(row[0]) if row and row[0] else {}


def change(db: Database, key: int, now: str, columns: Mapping[str, Any]) -> None:
    """Set columns and log the change; a change of `is_read` alone is kept apart (delta may send it alone)."""
    with db.transaction():
        seq = db.next_seq()
        values = dict(columns) | {"seq": seq, "modified": now}
        if set(columns) != {"is_read"}:
            values["content_seq"] = seq
        names = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE messages SET {names} WHERE id = ?", (*values.values(), key))


def _bury(db: Database, key: int, reason: str) -> None:
    row = db.one("SELECT folder, version FROM messages WHERE id = ?", (key,))
    db.execute("INSERT INTO removals VALUES (?, ?, ?, ?, ?)", (db.next_seq(), row[0], key, row[1], reason))


def move(db: Database, key: int, folder: int, now: str) -> None:
    """The message leaves its folder (a removal there) and is new in the other one, under a new mutable id."""
    with db.transaction():
        if db.one("SELECT folder FROM messages WHERE id = ?", (key,))[0] == folder:
            return
        _bury(db, key, "deleted")
        seq = db.next_seq()
        db.execute(
            "UPDATE messages SET folder = ?, version = version + 1, seq = ?, content_seq = ?, arrived_seq = ?, "
            "modified = ? WHERE id = ?",
            (folder, seq, seq, seq, now, key),
        )


def copy(db: Database, key: int, folder: int, now: str) -> int:
    """A second message with the same content in `folder` of the same mailbox; returns its key."""
    names = [*COLUMNS.replace("id, ", "", 1).split(", "), "content"]
    with db.transaction():
        values = dict(
            zip(names, db.one(f"SELECT {', '.join(names)} FROM messages WHERE id = ?", (key,)), strict=True)
        )
        seq = db.next_seq()
        values |= {"folder": folder, "version": 1, "created": now, "modified": now}
        values |= {"seq": seq, "content_seq": seq, "arrived_seq": seq}
        marks = ", ".join("?" * len(values))
        cursor = db.execute(
            f"INSERT INTO messages ({', '.join(values)}) VALUES ({marks})",
            tuple(values.values()),
        )
        new = int(cursor.lastrowid or 0)
        db.execute(
            "INSERT INTO attachments SELECT ?, number, kind, name, content_type, is_inline, content_id, size, "
            "modified, doc, data FROM attachments WHERE message = ?",
            (new, key),
        )
        db.execute(
            "INSERT INTO extended SELECT ?, tag, name, value FROM extended WHERE message = ?", (new, key)
        )
    return new


def destroy(db: Database, key: int) -> None:
    """Remove a message for good."""
    with db.transaction():
        _bury(db, key, "deleted")
        db.execute("DELETE FROM messages WHERE id = ?", (key,))
