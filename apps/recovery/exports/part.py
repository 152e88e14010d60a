"""One ZIP part while it is written: bounded memory, large archives, names that never clash."""

import csv
import hashlib
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO

from apps.core.spreadsheet import safe_cell

from ..formats.file_names import safe_file_name

IN_MEMORY = 16_000_000
PATH_LIMIT = 180


class Names:
    """Gives each message a path of its own over all parts: unpacked together, none overwrites another."""

    def __init__(self) -> None:
        self._taken: set[bytes] = set()

    def take(self, path: str) -> bool:
        """Reserve a path; False when it is taken, compared as systems without case do."""
        mark = hashlib.blake2b(path.casefold().encode(), digest_size=8).digest()
        if mark in self._taken:
            return False
        self._taken.add(mark)
        return True

    def path_for(self, folders: Iterable[str], subject: str) -> str:
        """Return a free path like `Inbox/Orders/Subject (2).eml`."""
        place = folder_path(folders)
        room = max(20, PATH_LIMIT - len(place))
        name = safe_file_name(subject, "No subject", limit=min(100, room))
        path, number = f"{place}{name}.eml", 1
        while not self.take(path):
            number += 1
            path = f"{place}{name} ({number}).eml"
        return path


def folder_path(folders: Iterable[str]) -> str:
    """Return a path that ends with a slash, cut where systems would refuse it; "" for none."""
    names = [safe_file_name(name, "Folder", limit=40) for name in folders]
    path = ""
    for name in names:
        if len(path) + len(name) > PATH_LIMIT - 40:
            break
        path += name + "/"
    return path


class PartWriter:
    """Writes `<name>.unfinished` and gives it its name when it is whole and on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = path.with_name(path.name + ".unfinished")
        self._stream: IO[bytes] = self._unfinished.open("wb")
        self._zip = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=3)
        self._index = io.StringIO()
        self._rows = csv.writer(self._index)
        self._rows.writerow(["File", "Folder", "Subject", "From", "Date", "Bytes", "Outcome", "Why"])

    @property
    def size(self) -> int:
        return self._stream.tell()

    def add_folder(self, path: str) -> None:
        """Keep an empty folder."""
        self._zip.mkdir(path)

    def add(self, path: str, chunks: Iterable[bytes], moment: datetime | None) -> int:
        """Add one message; returns its bytes. When `chunks` raises, the part stays as it was."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as whole:
            for chunk in chunks:
                whole.write(chunk)
            size = whole.tell()
            whole.seek(0)
            info = zipfile.ZipInfo(path, _zip_time(moment))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            info.file_size = size
            with self._zip.open(info, "w") as member:
                shutil.copyfileobj(whole, member)
        return size

    def note(self, *cells: str) -> None:
        """Add one line to index.csv."""
        self._rows.writerow([safe_cell(cell) for cell in cells])

    def finish(self) -> int:
        """Close the archive, make it durable, give it its name; returns its bytes."""
        self._zip.writestr("index.csv", "\ufeff" + self._index.getvalue())
        self._zip.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._unfinished.rename(self.path)
        return self.path.stat().st_size

    def abandon(self) -> None:
        """Leave no open file behind; what was written is removed by whoever goes on."""
        self._zip.fp = None  # else it would write its directory into the closed file when it is collected
        self._stream.close()


def _zip_time(moment: datetime | None) -> tuple[int, int, int, int, int, int]:
    if moment is None or not 1980 <= moment.year <= 2107:
        return (1980, 1, 1, 0, 0, 0)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
