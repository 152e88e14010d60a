"""The folder of an export on disk: finished parts, what each holds, and nothing else."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core import clock
from apps.core.scope import every_account
from apps.jobs.enums import JobKind
from apps.jobs.models import Job

from .links import VALID_FOR

GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one item: in which part and under which path, or why not."""

    item: int
    path: str = ""
    size: int = 0
    cause: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One finished part. `last` is the ledger row up to which this and the parts before it have gone."""

    number: int
    name: str
    size: int
    items: int
    last: int

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


def write_entries(path: Path, entries: list[Entry]) -> None:
    """Write down what a part holds, durable before the part itself is announced."""
    with path.open("w", encoding="utf-8") as stream:
        for entry in entries:
            stream.write(json.dumps(asdict(entry)) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_entries(job: Job, part: Part) -> Iterator[Entry]:
    """Yield what a finished part holds."""
    with entries_path(folder_of(job), part.number).open(encoding="utf-8") as stream:
        for line in stream:
            yield Entry(**json.loads(line))


def entries_path(folder: Path, number: int) -> Path:
    return folder / f"{number}.items"


def discard_unfinished(job: Job) -> None:
    """Remove what a worker left that was killed before its part was announced."""
    folder = folder_of(job)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {name for part in parts_of(job) for name in (part.name, f"{part.number}.items")}
    for path in folder.iterdir():
        if path.name not in kept:
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
