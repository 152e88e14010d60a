"""Packs in a folder of this machine, or of a mounted share."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from apps.core.disk import sync_folder

from ..errors import (
    ObjectConflict,
    ObjectMissing,
    ObjectTruncated,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from .base import Bytes, ObjectInfo, StoreDescription, checked_key, checked_prefix
from .locks import cannot_lock

_TEMP: Final = ".tmp-"  # a leading dot is no key, so remains of a crash are never listed
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class LocalStore:
    """Objects are files; a write becomes visible by one directory entry, after its bytes are on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        path = self._path(key)
        temp = path.parent / f"{_TEMP}{secrets.token_hex(8)}"
        try:
            self._make_folders(path.parent)
            written = not self._is_there(key, path, len(data))
            if written:
                self._write(temp, data)
                written = _publish(temp, path)
            # Also when it was there: who put it may have died before this made its name durable.
            sync_folder(path.parent)
        except OSError as error:
            raise _translated(error, key) from error
        finally:
            with contextlib.suppress(OSError):
                temp.unlink(missing_ok=True)
        return written or not self._is_there(key, path, len(data))

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except OSError as error:
            raise _translated(error, key) from error

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        try:
            with self._path(key).open("rb", buffering=0) as file:
                data = os.pread(file.fileno(), length, offset)
        except OSError as error:
            raise _translated(error, key) from error
        if len(data) != length:
            raise ObjectTruncated(f"{key} ends before byte {offset + length}.")
        return data

    def size(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _translated(error, key) from error

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        folder = self.root / checked_prefix(prefix)
        try:
            yield from sorted(self._walk(folder, prefix), key=lambda found: found.key)
        except OSError as error:
            raise _translated(error, prefix) from error

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
            sync_folder(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _translated(error, key) from error

    def locked_until(self, key: str) -> datetime | None:
        if self.size(key) is None:
            raise ObjectMissing(f"There is no object {key}.")
        return None

    def extend_lock(self, key: str, until: datetime) -> bool:
        raise cannot_lock("A folder")

    def describe(self) -> StoreDescription:
        return StoreDescription(kind="Folder", place=str(self.root), lock=None, can_lock=False)

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _is_there(self, key: str, path: Path, size: int) -> bool:
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _translated(error, key) from error
        if found != size:
            raise ObjectConflict(f"{key} exists with {found} bytes instead of {size}.")
        return True

    def _make_folders(self, folder: Path) -> None:
        """Create missing folders, each durable in its parent before anything is put into it."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(path.parent)

    def _write(self, temp: Path, data: Bytes) -> None:
        with temp.open("xb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())

    def _walk(self, folder: Path, prefix: str) -> Iterator[ObjectInfo]:
        if not folder.is_dir():
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(folder / entry.name, f"{prefix}{entry.name}/")
                else:
                    yield ObjectInfo(prefix + entry.name, entry.stat().st_size)


def _publish(temp: Path, path: Path) -> bool:
    """V6: give the finished file its name, replacing nothing. False when somebody was first."""
    try:
        os.link(temp, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Shares without hard links: names are random and write-once, so a replaced file has the same bytes.
        temp.replace(path)
    return True


def _translated(error: OSError, key: str) -> StoreError:
    text = f"{key}: {error.strerror}"
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return ObjectMissing(f"There is no object {key}.")
    if error.errno in _FULL:
        return StoreFull(f"The vault's disk is full ({text}).", do="Free space or move the vault.")
    if error.errno in _REFUSED:
        return StoreRefused(f"The vault's folder refuses ({text}).", do="Check its owner and permissions.")
    return StoreUnavailable(f"The vault's disk fails ({text}).")
