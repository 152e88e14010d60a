"""A folder backed up into the vault: what restic and borg do, on `apps.vault.api` and nothing below it.

Runs in a worker of its own (tests/warm_worker.py) with its database in a SQLite file, as in embedded mode. What
is unchanged is known by path, size, times and inode, as the peers know it, from a table beside the vault's own;
the same list goes into the vault as one more part at the end of each pass, as their archives keep it.
"""

import os
import random
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

from apps.vault.api import (
    ContentPart,
    Role,
    VaultReader,
    decode_content,
    encode_content,
    open_reader,
    open_writer,
)

BATCH_ITEMS, BATCH_BYTES = 100, 4_000_000
STREAMED_FROM: Final = 8_000_000
CROWD: Final = 5_000
SLICE: Final = 500  # files that a process restores at a time
_STAT: Final = struct.Struct(">QQQQIII")
_TABLE: Final = "CREATE TABLE IF NOT EXISTS file (path TEXT PRIMARY KEY, stat BLOB, content BLOB) WITHOUT ROWID"


_reader: VaultReader | None = None  # of a process that restores


class _File(NamedTuple):
    path: str  # below the folder
    stat: bytes


def prepare() -> None:
    """Make the database and the account."""
    from django.core.management import call_command

    from apps.accounts.models import Account

    call_command("migrate", verbosity=0)
    Account.objects.create(pk=1, name="Bench", location="DE")


def ingest(*, folder: str) -> dict[str, int]:
    """Back the folder up. Returns how many files there are and how many were read."""
    root = Path(folder)
    with closing(_state()) as state:
        known = {path: (stat, content) for path, stat, content in state.execute("SELECT * FROM file")}
        kept, fresh = dict[str, tuple[bytes, bytes]](), list[_File]()
        for file in _walk(root, ""):
            before = known.get(file.path)
            if before and before[0] == file.stat:
                kept[file.path] = before
            else:
                fresh.append(file)
        writer = open_writer(1)
        stored = dict(_store(root, fresh, writer.put_many))
        manifest = _manifest(kept | stored)
        (part,) = writer.put_many([(Role.FILE, manifest)])
        writer.flush()
        with state:
            state.executemany(
                "DELETE FROM file WHERE path = ?", [(path,) for path in known.keys() - kept.keys()]
            )
            state.executemany(
                "INSERT INTO file VALUES (?, ?, ?)", [(path, *row) for path, row in stored.items()]
            )
            state.execute("INSERT OR REPLACE INTO file VALUES ('', '', ?)", [encode_content([part])])
    return {"files": len(kept) + len(stored), "read": len(stored)}


def restore(*, target: str) -> dict[str, int]:
    """Write everything that was backed up last below `target`, in as many processes as there are cores."""
    from django.db import connections

    with closing(_state()) as state:
        rows = state.execute("SELECT path, content FROM file WHERE path != '' ORDER BY path").fetchall()
    connections.close_all()  # not to be shared with the processes
    with ProcessPoolExecutor(os.cpu_count(), get_context("fork"), _open_vault) as pool:
        slices = [rows[start : start + SLICE] for start in range(0, len(rows), SLICE)]
        list(pool.map(_write_files, [target] * len(slices), slices))
    return {"files": len(rows)}


def check() -> dict[str, int]:
    """The check of every byte that the portal makes, in as many processes as there are cores."""
    from apps.core.scope import account_scope
    from apps.vault.enums import CheckState, CheckTier, CheckTrigger
    from apps.vault.health import run_check
    from apps.vault.health.checks import check_open

    with account_scope(1):
        ordered = check_open(1, CheckTier.ALL, CheckTrigger.PERSON)
        assert run_check(check_id=ordered.pk, seconds=3_600, processes=os.cpu_count() or 1)
        ordered.refresh_from_db()
    assert ordered.state == CheckState.CLEAN, ordered.message
    return {"packs": ordered.packs_done, "bytes": ordered.bytes_done}


def sizes() -> dict[str, int]:
    """Bytes in the store, and in the database that finds them again."""
    data = Path(os.environ["EVERKEEP_DATA"])
    return {
        "store": sum(path.stat().st_size for path in (data / "vault").rglob("*") if path.is_file()),
        "database": sum(path.stat().st_size for path in data.glob("*.sqlite3*")),
    }


def crowd(*, blobs: int) -> None:
    """Fill the blob index up to that many blobs, with names that nothing asks for."""
    from apps.vault.services import open_vault
    from apps.vault.store.pack import Location, SealedPack

    index, rng = open_vault(account_id=1).index, random.Random(1)
    for _ in range(blobs // CROWD):
        pack_id = rng.randbytes(16)
        names = [
            (rng.randbytes(32), Location(pack_id, 32 + 9_000 * at, 9_000, 20_000, 1)) for at in range(CROWD)
        ]
        index.record(SealedPack(pack_id, bytearray(64), names))


def read_one(*, count: int) -> list[float]:
    """Read mails at random, each as a page does: find its content list, open the vault, read. Milliseconds."""
    from django.db import connection

    connection.ensure_connection()  # as every request has one
    rng, took = random.Random(2), list[float]()
    for path in Path(os.environ["EVERKEEP_DATA"]).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with closing(_state()) as state:
        paths = [path for (path,) in state.execute("SELECT path FROM file WHERE path LIKE 'mail/%'")]
        for path in rng.choices(paths, k=count):
            began = time.perf_counter()
            (row,) = state.execute("SELECT content FROM file WHERE path = ?", [path])
            (part,) = decode_content(row[0])
            data = open_reader(1).read(part)
            took.append((time.perf_counter() - began) * 1e3)
            assert len(data) == part.size
    return took


def _state() -> sqlite3.Connection:
    state = sqlite3.connect(Path(os.environ["EVERKEEP_DATA"]) / "folder.db")
    state.execute("PRAGMA journal_mode = WAL")
    state.execute(_TABLE)
    return state


def _walk(root: Path, below: str) -> Iterator[_File]:
    with os.scandir(root / below) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, f"{below}{entry.name}/")
        else:
            at = entry.stat(follow_symlinks=False)
            yield _File(
                below + entry.name,
                _STAT.pack(
                    at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino, at.st_mode, at.st_uid, at.st_gid
                ),
            )


def _store(
    root: Path, files: Iterable[_File], put: Callable[[list[tuple[Role, bytes]]], list[ContentPart]]
) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    """Put the files' bytes, some at a time, and yield path, stat and content list of each.

    The next ones are read meanwhile, as the portal downloads them; large ones only when it is their turn.
    """
    with ThreadPoolExecutor(1, "read") as reading:
        before: tuple[list[_File], Callable[[], list[tuple[Role, bytes]]]] | None = None
        for batch in chain(_batches(files), [[]]):
            if sum(map(_size, batch)) > BATCH_BYTES:
                coming: Callable[[], list[tuple[Role, bytes]]] = partial(_read, root, batch)
            else:
                coming = reading.submit(_read, root, batch).result
            if before is not None:
                for file, part in zip(before[0], put(before[1]()), strict=True):
                    yield file.path, (file.stat, encode_content([part]))
            before = batch, coming


def _batches(files: Iterable[_File]) -> Iterator[list[_File]]:
    batch, size = list[_File](), 0
    for file in files:
        if batch and (len(batch) == BATCH_ITEMS or size + _size(file) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += _size(file)
    if batch:
        yield batch


def _size(file: _File) -> int:
    return int(_STAT.unpack(file.stat)[0])


def _read(root: Path, batch: list[_File]) -> list[tuple[Role, bytes]]:
    found: list[tuple[Role, bytes]] = []
    for file in batch:
        with Path(f"{root}/{file.path}").open("rb", buffering=0) as stream:
            found.append((Role.MIME if file.path.endswith(".eml") else Role.FILE, stream.read()))
    return found


def _manifest(rows: dict[str, tuple[bytes, bytes]]) -> bytes:
    return b"".join(
        b"%s\0%s%s%s" % (path.encode(), stat, len(content).to_bytes(4, "big"), content)
        for path, (stat, content) in sorted(rows.items())
    )


def _open_vault() -> None:
    """Begin a process that restores: one connection and one reader for all that it does, as a job has."""
    global _reader  # noqa: PLW0603 - one for the life of the process
    from django.db import connection

    connection.ensure_connection()
    _reader = open_reader(1)


def _write_files(target: str, rows: list[tuple[str, bytes]]) -> None:
    assert _reader is not None
    parts = [decode_content(content)[0] for _, content in rows]
    for below in {path.rpartition("/")[0] for path, _ in rows}:
        Path(f"{target}/{below}").mkdir(parents=True, exist_ok=True)
    small = [number for number, part in enumerate(parts) if part.size < STREAMED_FROM]
    for number, data in zip(small, _reader.read_many([parts[number] for number in small]), strict=True):
        with Path(f"{target}/{rows[number][0]}").open("wb", buffering=0) as file:
            file.write(data)
    for number in sorted(set(range(len(parts))) - set(small)):
        with Path(f"{target}/{rows[number][0]}").open("wb", buffering=0) as file:
            for piece in _reader.stream(parts[number]):
                file.write(piece)
