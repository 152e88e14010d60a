"""The folder of an export on disk: finished parts, what each holds, and nothing else."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core import clock
from apps.core.disk import sync_folder
from apps.core.ids import new_public_id
from apps.core.scope import every_account
from apps.jobs.enums import JobKind
from apps.jobs.models import Job

from .links import VALID_FOR

GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one item: under which path, or why not. `item` 0: files that hang on no single item.

    `taken` are further paths in the archive. A `message` without a `cause` says what the item lacks.
    """

    item: int
    path: str = ""
    size: int = 0
    cause: str = ""
    message: str = ""
    kind: str = ""
    folder: str = ""
    name: str = ""
    person: str = ""
    when: str = ""
    taken: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One finished part. `last` is the ledger row up to which this and the parts before it have gone.

    `sent`: it lies at the destination, and here no more.
    """

    number: int
    name: str
    size: int
    items: int
    last: int
    sent: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def exports_root() -> Path:
    return Path(settings.DATA_DIR) / "exports"


def folder_of(job: Job) -> Path:
    """Return the job's own folder; its name tells nothing and cannot be guessed."""
    return exports_root() / job.public_id.hex


def parts_of(job: Job) -> list[Part]:
    """Return the finished parts as the job's row knows them."""
    return [Part(**part) for part in job.result.get("parts", [])]


class EntryLog:
    """What a part holds, written down while it grows; durable before the part itself is announced."""

    def __init__(self, folder: Path, number: int) -> None:
        self._stream = entries_path(folder, number).open("w", encoding="utf-8")
        self.items = 0
        self.last = 0

    def add(self, entry: Entry) -> None:
        self._stream.write(json.dumps(asdict(entry)) + "\n")
        if entry.item:
            self.items, self.last = self.items + 1, entry.item

    def finish(self) -> None:
        """Make it durable."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def abandon(self) -> None:
        self._stream.close()


def read_entries(folder: Path, number: int) -> Iterator[Entry]:
    """Yield what a part holds."""
    with entries_path(folder, number).open(encoding="utf-8") as stream:
        for line in stream:
            yield Entry(**json.loads(line))


def entries_path(folder: Path, number: int) -> Path:
    return folder / f"{number}.items"


def list_path(folder: Path, number: int, at: int) -> Path:
    """Return where the n-th list file of a part lies."""
    return folder / f"{number}.list-{at}"


def lists_of(folder: Path, number: int) -> list[Path]:
    """Return the list files of a part in order."""
    return sorted(folder.glob(f"{number}.list-*"), key=lambda path: int(path.name.rpartition("-")[2]))


def new_desk(job: Job) -> Path:
    """Return a folder where one claim of the export makes its parts.

    A worker that was frozen until another went on wakes up beside that one's files, never in them.
    """
    desk = folder_of(job) / f"desk-{new_public_id().hex[-12:]}"
    desk.mkdir(mode=0o700)
    return desk


def bring_in(desk: Path, folder: Path) -> None:
    """Move the files of a finished part from the desk to the export's folder, for good."""
    for path in desk.iterdir():
        path.rename(folder / path.name)
    sync_folder(folder)


def discard_unfinished(job: Job) -> None:
    """Remove what a worker left that was killed before its part was announced, or after it was sent."""
    folder = folder_of(job)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    parts = parts_of(job)
    here, numbers = {part.name for part in parts if not part.sent}, {str(part.number) for part in parts}
    for path in folder.iterdir():
        number, dot, what = path.name.partition(".")
        of_part = bool(dot) and number in numbers and (what == "items" or what.startswith("list-"))
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in here and not of_part:
            path.unlink()


def purge_expired() -> int:
    """Remove the folders of exports that nobody can fetch any more; returns how many."""
    removed = 0
    if not exports_root().is_dir():
        return 0
    limit = clock.now() - VALID_FOR - GRACE
    with every_account("clean-up of exports that have run out"):
        for folder in exports_root().iterdir():
            job = _job_of(folder.name)
            if job is None or (job.finished_at is not None and job.finished_at < limit):
                shutil.rmtree(folder)
                removed += 1
    return removed


def _job_of(name: str) -> Job | None:
    try:
        public_id = UUID(hex=name)
    except ValueError:
        return None
    return Job.objects.filter(public_id=public_id, kind=JobKind.EXPORT).first()
