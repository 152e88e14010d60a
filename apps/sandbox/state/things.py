"""Items that are fields, not MIME: contacts, events, tasks, notes, and the folders that hold them.

One store for all kinds. A thing is a JSON document of the provider's own fields; what the service itself keeps
(key, change number, created, modified) are columns. Files (attachments, a contact's photo), extended properties
and open extensions hang on the thing. Every change takes the next change number, as with messages; changing a
file, a value or an extension changes its thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from .database import Database

Document = dict[str, Any]
_FOLDER = "id, mailbox, kind, parent, name, well_known, seq, doc"
_THING = "id, mailbox, kind, folder, seq, created, modified, doc"


@dataclass(frozen=True, slots=True)
class Folder:
    """A contact folder, a calendar, a task list. `well_known` is "" for those that people made."""

    id: int
    mailbox: int
    kind: str
    parent: int | None
    name: str
    well_known: str
    seq: int
    doc: Document


@dataclass(frozen=True, slots=True)
class Thing:
    id: int
    mailbox: int
    kind: str
    folder: int
    seq: int
    created: str
    modified: str
    doc: Document


@dataclass(frozen=True, slots=True)
class File:
    """`role`: attachment or photo. `doc`: its fields without the bytes."""

    number: int
    role: str
    modified: str
    doc: Document
    data: bytes


def _folder(row: tuple[Any, ...]) -> Folder:
    values: list[Any] = [*row[:-1], orjson.loads(row[-1])]
    return Folder(*values)


def _thing(row: tuple[Any, ...]) -> Thing:
    values: list[Any] = [*row[:-1], orjson.loads(row[-1])]
    return Thing(*values)


# -- folders -------------------------------------------------------------------------------------------------


def add_folder(
    db: Database,
    mailbox: int,
    kind: str,
    name: str,
    *,
    parent: int | None = None,
    well_known: str = "",
    doc: Mapping[str, Any] | None = None,
) -> Folder:
    with db.transaction():
        cursor = db.execute(
            "INSERT INTO thing_folders (mailbox, kind, parent, name, well_known, seq, doc) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (mailbox, kind, parent, name, well_known, db.next_seq(), orjson.dumps(dict(doc or {}))),
        )
        row = db.one(f"SELECT {_FOLDER} FROM thing_folders WHERE id = ?", (cursor.lastrowid,))
    return _folder(row)


def folder_by_key(db: Database, mailbox: int, kind: str, key: int) -> Folder | None:
    sql = f"SELECT {_FOLDER} FROM thing_folders WHERE id = ? AND mailbox = ? AND kind = ?"
    row = db.one(sql, (key, mailbox, kind))
    return None if row is None else _folder(row)


def folder_by_well_known(db: Database, mailbox: int, kind: str, well_known: str) -> Folder | None:
    sql = f"SELECT {_FOLDER} FROM thing_folders WHERE mailbox = ? AND kind = ? AND well_known = ?"
    row = db.one(sql, (mailbox, kind, well_known.lower()))
    return None if row is None or not well_known else _folder(row)


def folders(db: Database, mailbox: int, kind: str) -> list[Folder]:
    sql = f"SELECT {_FOLDER} FROM thing_folders WHERE mailbox = ? AND kind = ? ORDER BY id"
    return [_folder(row) for row in db.all(sql, (mailbox, kind))]


def subfolders(db: Database, folder: Folder) -> list[Folder]:
    return [each for each in folders(db, folder.mailbox, folder.kind) if each.parent == folder.id]


def folder_path(db: Database, folder: Folder) -> str:
    """Names from the top down, joined by slashes."""
    names, current = [folder.name], folder
    while current.parent is not None:
        above = folder_by_key(db, current.mailbox, current.kind, current.parent)
        if above is None:
            break
        names.insert(0, above.name)
        current = above
    return "/".join(names)


def change_folder(
    db: Database, folder: Folder, *, name: str | None = None, doc: Mapping[str, Any] | None = None
) -> Folder:
    """Set the name, and members of the document."""
    with db.transaction():
        db.execute(
            "UPDATE thing_folders SET name = ?, doc = ?, seq = ? WHERE id = ?",
            (name or folder.name, orjson.dumps(folder.doc | dict(doc or {})), db.next_seq(), folder.id),
        )
        row = db.one(f"SELECT {_FOLDER} FROM thing_folders WHERE id = ?", (folder.id,))
    return _folder(row)


def remove_folder(db: Database, folder: Folder) -> None:
    """Remove the folder, what is below it and all that they hold, for good."""
    with db.transaction():
        for below in subfolders(db, folder):
            remove_folder(db, below)
        for thing in listed(db, folder):
            remove(db, thing)
        db.execute("DELETE FROM thing_folders WHERE id = ?", (folder.id,))
        db.execute(
            "INSERT INTO thing_folder_removals VALUES (?, ?, ?, ?)",
            (db.next_seq(), folder.mailbox, folder.kind, folder.id),
        )


def folder_changes(
    db: Database, mailbox: int, kind: str, since: int, upto: int
) -> tuple[list[Folder], list[tuple[int, int]]]:
    """(folders changed, (change number, key) of those removed)."""
    span = (mailbox, kind, since, upto)
    changed = db.all(
        f"SELECT {_FOLDER} FROM thing_folders WHERE mailbox = ? AND kind = ? AND seq > ? AND seq <= ?", span
    )
    removed = db.all(
        "SELECT seq, folder FROM thing_folder_removals WHERE mailbox = ? AND kind = ? AND seq > ? AND seq <= ?",
        span,
    )
    return [_folder(row) for row in changed], [(row[0], row[1]) for row in removed]


# -- things --------------------------------------------------------------------------------------------------


def add(db: Database, folder: Folder, doc: Mapping[str, Any], now: str, *, created: str = "") -> Thing:
    with db.transaction():
        cursor = db.execute(
            "INSERT INTO things (mailbox, kind, folder, seq, created, modified, doc) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                folder.mailbox,
                folder.kind,
                folder.id,
                db.next_seq(),
                created or now,
                now,
                orjson.dumps(dict(doc)),
            ),
        )
        return by_key(db, folder.mailbox, folder.kind, int(cursor.lastrowid or 0))  # type: ignore[return-value]


def by_key(db: Database, mailbox: int, kind: str, key: int) -> Thing | None:
    sql = f"SELECT {_THING} FROM things WHERE id = ? AND mailbox = ? AND kind = ?"
    row = db.one(sql, (key, mailbox, kind))
    return None if row is None else _thing(row)


def listed(db: Database, folder: Folder) -> list[Thing]:
    return [
        _thing(row) for row in db.all(f"SELECT {_THING} FROM things WHERE folder = ? ORDER BY id", (folder.id,))
    ]


def every(db: Database, mailbox: int, kind: str) -> list[Thing]:
    sql = f"SELECT {_THING} FROM things WHERE mailbox = ? AND kind = ? ORDER BY id"
    return [_thing(row) for row in db.all(sql, (mailbox, kind))]


def with_value(db: Database, mailbox: int, kind: str, tag: str, value: str) -> list[Thing]:
    """Things that carry an extended property of exactly this value."""
    sql = (
        f"SELECT {_THING} FROM things WHERE mailbox = ? AND kind = ? "
        "AND id IN (SELECT thing FROM thing_values WHERE tag = ? AND value = ?) ORDER BY id"
    )
    return [_thing(row) for row in db.all(sql, (mailbox, kind, tag, value))]


def count(db: Database, folder: Folder) -> int:
    return int(db.one("SELECT COUNT(*) FROM things WHERE folder = ?", (folder.id,))[0])


def change(db: Database, thing: Thing, doc: Mapping[str, Any], now: str) -> Thing:
    """Set the whole document."""
    with db.transaction():
        db.execute(
            "UPDATE things SET doc = ?, seq = ?, modified = ? WHERE id = ?",
            (orjson.dumps(dict(doc)), db.next_seq(), now, thing.id),
        )
        return by_key(db, thing.mailbox, thing.kind, thing.id)  # type: ignore[return-value]


def touch(db: Database, thing: Thing, now: str) -> None:
    """Something that hangs on the thing has changed."""
    db.execute("UPDATE things SET seq = ?, modified = ? WHERE id = ?", (db.next_seq(), now, thing.id))


def move(db: Database, thing: Thing, folder: Folder, now: str) -> None:
    """Leaves its folder (a removal there) and is new in the other one, under the same key."""
    with db.transaction():
        db.execute("INSERT INTO thing_removals VALUES (?, ?, ?)", (db.next_seq(), thing.folder, thing.id))
        db.execute(
            "UPDATE things SET folder = ?, seq = ?, modified = ? WHERE id = ?",
            (folder.id, db.next_seq(), now, thing.id),
        )


def remove(db: Database, thing: Thing) -> None:
    with db.transaction():
        db.execute("INSERT INTO thing_removals VALUES (?, ?, ?)", (db.next_seq(), thing.folder, thing.id))
        db.execute("DELETE FROM things WHERE id = ?", (thing.id,))


def changes(
    db: Database, folder: Folder, at: int, upto: int, size: int, *, removals: bool
) -> list[tuple[int, Thing | int]]:
    """The next `size` changes in the order in which they happened: things, and keys of those that left."""
    span = (folder.id, at, upto)
    rows = db.all(f"SELECT {_THING} FROM things WHERE folder = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                  (*span, size))  # fmt: skip
    found: list[tuple[int, Thing | int]] = [(row[4], _thing(row)) for row in rows]
    if removals:  # one that left and came back is told as present
        gone = db.all(
            "SELECT seq, thing FROM thing_removals WHERE folder = ? AND seq > ? AND seq <= ? "
            "AND NOT EXISTS (SELECT 1 FROM things t WHERE t.id = thing_removals.thing "
            "AND t.folder = thing_removals.folder) ORDER BY seq LIMIT ?",
            (*span, size),
        )
        found += [(row[0], row[1]) for row in gone]
    found.sort(key=lambda entry: entry[0])
    return found[:size]


# -- what hangs on a thing -----------------------------------------------------------------------------------


def add_file(
    db: Database, thing: Thing, doc: Mapping[str, Any], data: bytes, now: str, *, role: str = "attachment"
) -> int:
    """Return its number within the thing."""
    with db.transaction():
        number = int(
            db.one("SELECT COALESCE(MAX(number), 0) + 1 FROM thing_files WHERE thing = ?", (thing.id,))[0]
        )
        db.execute(
            "INSERT INTO thing_files VALUES (?, ?, ?, ?, ?, ?)",
            (thing.id, number, role, now, orjson.dumps(dict(doc)), data),
        )
        touch(db, thing, now)
    return number


def files(db: Database, thing: Thing, role: str = "attachment") -> list[File]:
    sql = (
        "SELECT number, role, modified, doc, data FROM thing_files WHERE thing = ? AND role = ? ORDER BY number"
    )
    return [File(r[0], r[1], r[2], orjson.loads(r[3]), bytes(r[4])) for r in db.all(sql, (thing.id, role))]


def remove_file(db: Database, thing: Thing, number: int, now: str) -> None:
    with db.transaction():
        db.execute("DELETE FROM thing_files WHERE thing = ? AND number = ?", (thing.id, number))
        touch(db, thing, now)


def set_value(db: Database, thing: Thing, tag: str, name: str, value: str) -> None:
    """`tag` is the one spelling of the property's name (`graph.extended.tag_of`)."""
    db.execute("INSERT OR REPLACE INTO thing_values VALUES (?, ?, ?, ?)", (thing.id, tag, name, value))


def values(db: Database, thing: Thing) -> dict[str, tuple[str, str]]:
    """tag → (name, value)."""
    sql = "SELECT tag, name, value FROM thing_values WHERE thing = ? ORDER BY tag"
    return {row[0]: (row[1], row[2]) for row in db.all(sql, (thing.id,))}


def set_extension(db: Database, thing: Thing, name: str, doc: Mapping[str, Any], now: str) -> None:
    with db.transaction():
        db.execute(
            "INSERT OR REPLACE INTO thing_extensions VALUES (?, ?, ?)",
            (thing.id, name, orjson.dumps(dict(doc))),
        )
        touch(db, thing, now)


def extensions(db: Database, thing: Thing) -> dict[str, Document]:
    sql = "SELECT name, doc FROM thing_extensions WHERE thing = ? ORDER BY name"
    return {row[0]: orjson.loads(row[1]) for row in db.all(sql, (thing.id,))}


def remove_extension(db: Database, thing: Thing, name: str, now: str) -> None:
    with db.transaction():
        db.execute("DELETE FROM thing_extensions WHERE thing = ? AND name = ?", (thing.id, name))
        touch(db, thing, now)
