"""Names in an archive: each is given once over all parts, so that unpacked together none overwrites another."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from ..formats.file_names import safe_file_name

PATH_LIMIT = 180
_CACHE_PAGES = 4_000  # of 4 KB; what does not fit waits in a temporary file


class Names:
    """Knows what is taken, compared as systems without case do. Memory does not grow with their number."""

    def __init__(self) -> None:
        self._taken = sqlite3.connect("", isolation_level=None)
        self._taken.execute(f"PRAGMA cache_size={_CACHE_PAGES}")
        self._taken.execute("PRAGMA journal_mode=OFF")
        self._taken.execute("CREATE TABLE name (mark BLOB PRIMARY KEY) WITHOUT ROWID")
        self._taken.execute("BEGIN")

    def take(self, path: str) -> bool:
        """Reserve a path; False when it is taken."""
        found = self._taken.execute("INSERT OR IGNORE INTO name VALUES (?)", (_mark(path),))
        return found.rowcount == 1

    def take_all(self, paths: Sequence[str]) -> bool:
        """Reserve all of these paths, or none of them when one is taken."""
        marks = [_mark(path) for path in paths]
        holes = ",".join("?" * len(marks))
        if self._taken.execute(f"SELECT 1 FROM name WHERE mark IN ({holes}) LIMIT 1", marks).fetchone():  # noqa: S608
            return False
        self._taken.executemany("INSERT OR IGNORE INTO name VALUES (?)", [(mark,) for mark in marks])
        return True

    def path_for(self, place: str, name: str, files: Callable[[str], Sequence[str]]) -> str:
        """Return a free path without an ending, like `Mail/Inbox/Subject (2)`.

        `files` tells which files an item at such a path would have: all of them are then reserved.
        """
        room = max(20, PATH_LIMIT - len(place))
        title = safe_file_name(name, "No subject", limit=min(100, room))
        path, number = place + title, 1
        while not self.take_all(files(path)):
            number += 1
            path = f"{place}{title} ({number})"
        return path

    def file_for(self, place: str, name: str, *, otherwise: str) -> str:
        """Return a free path of a single file that keeps its ending."""
        title = safe_file_name(name, otherwise, limit=60)
        stem, dot, ending = title.rpartition(".")
        stem, ending = (stem, dot + ending) if dot else (title, "")
        path, number = place + title, 1
        while not self.take(path):
            number += 1
            path = f"{place}{stem} ({number}){ending}"
        return path


def _mark(path: str) -> bytes:
    return hashlib.blake2b(path.casefold().encode("utf-8", "surrogatepass"), digest_size=12).digest()


def folder_path(folders: Iterable[str]) -> str:
    """Return a path that ends with a slash, cut where systems would refuse it; "" for none."""
    names = [safe_file_name(name, "Folder", limit=40) for name in folders]
    path = ""
    for name in names:
        if len(path) + len(name) > PATH_LIMIT - 40:
            break
        path += name + "/"
    return path
