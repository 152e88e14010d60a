"""Indexes in clear, for as long as they are used: a private folder that is bounded, and empty when nobody runs.

    search/.used            held (flock) by every process that uses the folder
    search/<account>/<generation>/…

Who starts when nobody holds `.used`, or ends as the last one, deletes all of it: also what a kill has left.
Deleting what another process reads harms nobody: its files stay open until it closes them. What was not opened
for UNUSED goes with the next that is: an account that was closed on another host is searched by nobody here.
"""

import atexit
import fcntl
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from celery.signals import worker_process_shutdown, worker_shutdown
from django.conf import settings

from apps.vault.api import DerivedFolder

from .objects import SealedFile, unpack

_USED: Final = ".used"
_WORK: Final = "work-"
UNUSED: Final = 24 * 3600.0  # seconds
_lock = threading.Lock()
_held: dict[str, tuple[int, int]] = {}  # folder → process, descriptor


def home() -> Path:
    """Return the folder, which this process uses from now on."""
    folder = Path(settings.SEARCH_CACHE_DIR)
    with _lock:
        process, _ = _held.get(str(folder), (0, -1))
        if process != os.getpid():  # not asked yet, or asked by the process that we were forked from
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
            _held[str(folder)] = os.getpid(), _enter(folder)
    return folder


def generation_folder(account_id: int, generation: int) -> Path:
    return home() / str(account_id) / str(generation)


def open_generation(folder: DerivedFolder, generation: int, files: list[SealedFile]) -> Path:
    """Return the folder of a generation, unpacked when it is not there yet.

    Raises IndexTrouble, ObjectMissing, VaultError; then nothing half is left.
    """
    _forget_unused()
    target = generation_folder(folder.account_id, generation)
    if target.is_dir():
        with suppress(FileNotFoundError):
            os.utime(target)
            return target
    with working_folder(folder.account_id) as work:
        _make_room(sum(file.size for file in files), keep=folder.account_id)
        for file in files:
            unpack(folder, file, work / file.name)
        return adopt(folder.account_id, generation, work)


def adopt(account_id: int, generation: int, work: Path) -> Path:
    """Let a folder be that generation's, unless another process was faster; older ones of the account go."""
    target = generation_folder(account_id, generation)
    try:
        work.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    for each in _generations(target.parent):
        if int(each.name) < generation:
            shutil.rmtree(each, ignore_errors=True)
    return target


@contextmanager
def working_folder(account_id: int, source: Path | None = None) -> Iterator[Path]:
    """Yield a folder of our own; with `source` it has the same files, under the same inodes."""
    work = home() / str(account_id) / f"{_WORK}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    work.mkdir(parents=True, mode=0o700)
    try:
        if source:
            for path in source.iterdir():
                os.link(path, work / path.name)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def forget(account_id: int) -> None:
    """Delete what is here of an account."""
    shutil.rmtree(home() / str(account_id), ignore_errors=True)


def forget_generations(account_id: int) -> None:
    """Delete what is here of an account, but for the folder that an indexer may be writing."""
    for each in _generations(home() / str(account_id)):
        shutil.rmtree(each, ignore_errors=True)


def wipe(**_: Any) -> None:
    """Stop using the folder; who is the last one empties it."""
    with _lock:
        for name, (process, descriptor) in list(_held.items()):
            if process != os.getpid():
                continue
            del _held[name]
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _empty(Path(name))
            os.close(descriptor)


def _enter(folder: Path) -> int:
    descriptor = os.open(folder / _USED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor
    _empty(folder)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.name != _USED:
            shutil.rmtree(each, ignore_errors=True)


def _make_room(wanted: int, *, keep: int) -> None:
    """Delete what was used the longest ago until `wanted` bytes fit; never of the account that they are for."""
    folders = _all_generations()
    sizes = {each: _size(each) for each in folders}
    used = sum(sizes.values()) + wanted
    for each in sorted(folders, key=_used_at):
        if used <= settings.SEARCH_CACHE_BYTES:
            return
        if each.parent.name != str(keep):
            shutil.rmtree(each, ignore_errors=True)
            used -= sizes[each]


def _forget_unused() -> None:
    for each in _all_generations():
        if _used_at(each) < time.time() - UNUSED:
            shutil.rmtree(each, ignore_errors=True)


def _all_generations() -> list[Path]:
    return [each for account in home().iterdir() if account.is_dir() for each in _generations(account)]


def _generations(account: Path) -> list[Path]:
    try:
        return [each for each in account.iterdir() if each.name.isdecimal()]
    except FileNotFoundError:
        return []


def _size(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except FileNotFoundError:  # another process made room as well
        return 0


def _used_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return time.time()


atexit.register(wipe)
worker_process_shutdown.connect(wipe)
worker_shutdown.connect(wipe)
