"""One ZIP part while it is written: bounded memory, large archives."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO

IN_MEMORY = 16_000_000
LEVEL = 3


class PartWriter:
    """Writes an archive file by file; it is one when `finish` has returned."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = 0
        self._stream: IO[bytes] = path.open("wb")
        self._zip = zipfile.ZipFile(
            self._stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=LEVEL
        )

    @property
    def size(self) -> int:
        return self._stream.tell()

    def add_folder(self, path: str) -> None:
        """Keep an empty folder."""
        self._zip.mkdir(path)
        self.members += 1

    def add(self, path: str, chunks: Iterable[bytes], moment: datetime | None) -> int:
        """Add one file; returns its bytes. When `chunks` raises, the part stays as it was."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self.path.parent)) as whole:
            for chunk in chunks:
                whole.write(chunk)
            size = int(whole.tell())
            whole.seek(0)
            self._member(path, whole, size, moment)
        return size

    def add_file(self, path: str, file: IO[bytes]) -> None:
        """Add what a file holds, from its start."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._member(path, file, size, None)

    def finish(self) -> int:
        """Close the archive and make it durable; returns its bytes."""
        self._zip.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        size = self._stream.tell()
        self._stream.close()
        return size

    def abandon(self) -> None:
        """Leave no open file behind; what was written is removed by whoever goes on."""
        self._zip.fp = None  # else it would write its directory into the closed file when it is collected
        self._stream.close()

    def _member(self, path: str, source: IO[bytes], size: int, moment: datetime | None) -> None:
        info = zipfile.ZipInfo(path, _zip_time(moment))
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        info.file_size = size
        with self._zip.open(info, "w") as member:
            shutil.copyfileobj(source, member, 256 * 1024)
        self.members += 1


def _zip_time(moment: datetime | None) -> tuple[int, int, int, int, int, int]:
    if moment is None or not 1980 <= moment.year <= 2107:
        return (1980, 1, 1, 0, 0, 0)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
