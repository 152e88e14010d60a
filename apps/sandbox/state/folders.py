"""Mail folders: look-up, creation, renaming, moving, deletion, each with its entry in the change log."""

from dataclasses import dataclass

from .database import Database

COLUMNS = "id, mailbox, parent, name, well_known, hidden, seq, total, unread"


@dataclass(frozen=True, slots=True)
class Folder:
    id: int
    mailbox: int
    parent: int | None
    name: str
    well_known: str | None
    hidden: bool
    seq: int
    total: int
    unread: int


class FolderExists(Exception):
    """A sibling already has this name (letter case does not count)."""


class FolderProtected(Exception):
    """Well-known folders can be neither renamed, moved nor deleted."""


class FolderLoop(Exception):
    """A folder cannot go below itself."""


def by_key(db: Database, mailbox: int, key: int) -> Folder | None:
    row = db.one(f"SELECT {COLUMNS} FROM folders WHERE id = ? AND mailbox = ?", (key, mailbox))
    return Folder(*row) if row else None


def by_well_known(db: Database, mailbox: int, name: str) -> Folder | None:
    sql = f"SELECT {COLUMNS} FROM folders WHERE mailbox = ? AND well_known = ?"
    row = db.one(sql, (mailbox, name.lower()))
    return Folder(*row) if row else None


def well_known(db: Database, mailbox: int, name: str) -> Folder:
    """The folder that every mailbox has; raises LookupError for a name that this one lacks."""
    folder = by_well_known(db, mailbox, name)
    if folder is None:
        raise LookupError(f"mailbox {mailbox} has no folder {name}")
    return folder


def children(db: Database, mailbox: int, parent: int, *, hidden: bool = False) -> list[Folder]:
    sql = f"SELECT {COLUMNS} FROM folders WHERE mailbox = ? AND parent = ?"
    rows = db.all(
        sql + ("" if hidden else " AND hidden = 0") + " ORDER BY name COLLATE NOCASE, id", (mailbox, parent)
    )
    return [Folder(*row) for row in rows]


def child_count(db: Database, mailbox: int, parent: int) -> int:
    sql = "SELECT COUNT(*) FROM folders WHERE mailbox = ? AND parent = ?"
    return int(db.one(sql, (mailbox, parent))[0])


def every(db: Database, mailbox: int) -> list[Folder]:
    sql = f"SELECT {COLUMNS} FROM folders WHERE mailbox = ? ORDER BY id"
    return [Folder(*row) for row in db.all(sql, (mailbox,))]


def changed_between(db: Database, mailbox: int, since: int, upto: int) -> list[Folder]:
    sql = f"SELECT {COLUMNS} FROM folders WHERE mailbox = ? AND seq > ? AND seq <= ? ORDER BY seq"
    return [Folder(*row) for row in db.all(sql, (mailbox, since, upto))]


def removed_between(db: Database, mailbox: int, since: int, upto: int) -> list[tuple[int, int, int | None]]:
    """(seq, folder, its last parent) of the folders that went away."""
    sql = (
        "SELECT seq, folder, parent FROM folder_removals "
        "WHERE mailbox = ? AND seq > ? AND seq <= ? ORDER BY seq"
    )
    return [(row[0], row[1], row[2]) for row in db.all(sql, (mailbox, since, upto))]


def _refuse_same_name(db: Database, mailbox: int, parent: int, name: str, but: int | None = None) -> None:
    wanted = name.casefold()
    for sibling in children(db, mailbox, parent, hidden=True):
        if sibling.name.casefold() == wanted and sibling.id != but:
            raise FolderExists(name)


def create(db: Database, mailbox: int, parent: int, name: str, *, hidden: bool = False) -> Folder:
    """Raises FolderExists."""
    with db.transaction():
        _refuse_same_name(db, mailbox, parent, name)
        cursor = db.execute(
            "INSERT INTO folders (mailbox, parent, name, hidden, seq) VALUES (?, ?, ?, ?, ?)",
            (mailbox, parent, name, hidden, db.next_seq()),
        )
        key = int(cursor.lastrowid or 0)
    return Folder(key, mailbox, parent, name, None, hidden, db.last_seq(), 0, 0)


def rename(db: Database, folder: Folder, name: str) -> None:
    """Raises FolderExists or FolderProtected."""
    if folder.well_known:
        raise FolderProtected(folder.name)
    with db.transaction():
        _refuse_same_name(db, folder.mailbox, folder.parent or 0, name, folder.id)
        db.execute("UPDATE folders SET name = ?, seq = ? WHERE id = ?", (name, db.next_seq(), folder.id))


def descendants(db: Database, folder: Folder) -> list[Folder]:
    """The folder and all below it, parents first."""
    found, queue = [folder], [folder]
    while queue:
        below = children(db, folder.mailbox, queue.pop(0).id, hidden=True)
        found += below
        queue += below
    return found


def move(db: Database, folder: Folder, parent: int) -> None:
    """Raises FolderExists, FolderLoop or FolderProtected."""
    if folder.well_known:
        raise FolderProtected(folder.name)
    if any(inner.id == parent for inner in descendants(db, folder)):
        raise FolderLoop(folder.name)
    with db.transaction():
        _refuse_same_name(db, folder.mailbox, parent, folder.name, folder.id)
        db.execute("UPDATE folders SET parent = ?, seq = ? WHERE id = ?", (parent, db.next_seq(), folder.id))


def free_name(db: Database, mailbox: int, parent: int, name: str) -> str:
    """Exchange numbers a deleted folder whose name is taken in Deleted Items."""
    taken = {sibling.name.casefold() for sibling in children(db, mailbox, parent, hidden=True)}
    number, wanted = 0, name
    while wanted.casefold() in taken:
        number += 1
        wanted = f"{name}{number}"
    return wanted


def destroy(db: Database, folder: Folder) -> None:
    """Remove the folder, what is below it and all their messages for good. Raises FolderProtected."""
    if folder.well_known:
        raise FolderProtected(folder.name)
    with db.transaction():
        for inner in reversed(descendants(db, folder)):
            rows = db.all("SELECT id, version FROM messages WHERE folder = ?", (inner.id,))
            seq = db.next_seq(len(rows) + 1)
            db.executemany(
                "INSERT INTO removals VALUES (?, ?, ?, ?, 'deleted')",
                [(seq + n, inner.id, message, version) for n, (message, version) in enumerate(rows)],
            )
            db.execute("DELETE FROM messages WHERE folder = ?", (inner.id,))
            db.execute("DELETE FROM folders WHERE id = ?", (inner.id,))
            db.execute(
                "INSERT INTO folder_removals VALUES (?, ?, ?, ?)",
                (seq + len(rows), inner.mailbox, inner.parent, inner.id),
            )


def path_of(db: Database, folder: Folder) -> str:
    """Names from the top of the mailbox down, joined by slashes; the top itself is empty."""
    names: list[str] = []
    current: Folder | None = folder
    while current is not None and current.parent is not None:
        names.append(current.name)
        current = by_key(db, current.mailbox, current.parent)
    return "/".join(reversed(names))
