"""Doing a drill: read as a restore reads, compare, measure, sign, tell.

Nothing is written anywhere but the report. What cannot be read is reported to the vault's records of damage, so
that it is healed like anything else.
"""

import asyncio
import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.backups.models import BackupTask
from apps.backups.selectors.browse import contents
from apps.connectors.base import EntityRef, Fetched
from apps.connectors.enums import SubService
from apps.connectors.services import open_connector
from apps.core import clock
from apps.core.discretion import told
from apps.core.errors import EverkeepError
from apps.core.scope import every_account
from apps.core.signatures import public_key, sign
from apps.vault.api import open_reader
from apps.vault.enums import FoundBy
from apps.vault.errors import BlobError
from apps.vault.health import damage_report

from ..enums import DrillState
from ..models import Drill
from .compare import compare
from .sample import Picked, sample
from .telling import tell_administrators
from .whole import Whole, read_whole

log = logging.getLogger("everkeep.recovery")
EVERY: Final = timedelta(days=7)
STALE: Final = timedelta(hours=3)  # a drill that is older was given up by its worker
LIVE_ITEMS: Final = 3  # compared with the live source, too

_STATUS = {
    DrillState.PASSED: ActivityStatus.DONE,
    DrillState.FAILED: ActivityStatus.FAILED,
    DrillState.BROKEN: ActivityStatus.FAILED,
}


def tasks_due() -> list[tuple[int, int]]:
    """Return (account, task) of each task with something to restore and without a drill for a week."""
    with every_account("the weekly drill covers the tasks of all accounts"):
        recent = Drill.objects.filter(started_at__gt=clock.now() - EVERY).values("task_id")
        kept = BackupTask.objects.filter(entities__last_snapshot_at__isnull=False).distinct()
        return list(kept.exclude(pk__in=recent).values_list("account_id", "pk"))


def run_drill(*, task_id: int, seed: int | None = None) -> Drill | None:
    """Do a drill of a task now, in its account's scope; None when one is being done already."""
    task = BackupTask.objects.select_related("connection", "account").get(pk=task_id)
    Drill.objects.filter(task=task, state=DrillState.RUNNING, started_at__lt=clock.now() - STALE).update(
        state=DrillState.BROKEN, message="The worker was stopped.", finished_at=clock.now()
    )
    try:
        with transaction.atomic():
            drill = Drill.objects.create(account_id=task.account_id, task=task)
    except IntegrityError:
        return None
    seed = secrets.randbits(64) if seed is None else seed
    work = _Drill(drill, sample(task, random.Random(seed)), seed)  # noqa: S311 - a fair choice, no secret
    try:
        work.run()
    except EverkeepError as error:
        work.broken(told(error, drill.public_id))
    except Exception:
        log.exception("drill %s failed because of a fault of ours", drill.public_id)
        work.broken(f"A fault of ours. Reference: {drill.public_id}")
    return work.end()


@dataclass(slots=True)
class _Drill:
    drill: Drill
    picked: Sequence[Picked]
    seed: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    strata: Counter[str] = field(default_factory=Counter)
    message: str = ""
    size: int = 0
    reading: float = 0.0
    live: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        reader = open_reader(self.drill.account_id)
        for few in _batches(self.picked):
            stored = {each.node.id: contents(each.state, [each.node.id]).get(each.node.id) for each in few}
            for each in few:
                row = stored[each.node.id]
                line = self._line(each)
                since = time.monotonic()
                try:
                    if row is None:
                        raise EverkeepError("Its row is gone from the catalog.")
                    data = read_whole(reader, row)
                except EverkeepError as error:
                    self._unreadable(line, error)
                    continue
                finally:
                    self.reading += time.monotonic() - since
                found = compare(each.node, row, data)
                self.size += data.size
                line |= {"bytes": data.size, "sha256": data.digest()}
                line |= {"faults": found.faults, "notes": found.notes}
        self.live = _compare_with_source(self.drill.task, self.picked, self.lines)

    def _line(self, each: Picked) -> dict[str, Any]:
        self.strata[", ".join(each.stratum)] += 1
        line: dict[str, Any] = {
            "mailbox": each.snapshot.entity.name,
            "backup": each.snapshot.taken_at.isoformat(),
            "item": each.node.key,
            "label": each.node.name,
            "faults": [],
            "notes": [],
        }
        self.lines.append(line)
        return line

    def _unreadable(self, line: dict[str, Any], error: EverkeepError) -> None:
        line["faults"].append(f"It could not be restored. {error}")
        if isinstance(error, BlobError):
            damage_report(self.drill.account_id, error, FoundBy.DRILL)

    def broken(self, message: str) -> None:
        self.message = message

    def end(self) -> Drill:
        """Write the report, its signature and the activity line; mail when it did not pass."""
        drill = self.drill
        failed = sum(bool(line["faults"]) for line in self.lines)
        drill.items, drill.failed = len(self.lines), failed
        drill.notes = sum(bool(line["notes"]) for line in self.lines)
        drill.size, drill.seconds = self.size, round(self.reading, 3)
        drill.finished_at, drill.public_key = clock.now(), public_key()
        drill.state = DrillState.FAILED if failed else DrillState.BROKEN if self.message else DrillState.PASSED
        drill.message = self.message or _sentence(drill)
        drill.report, drill.signature = sign(self._report())
        drill.entities = sorted({str(each.snapshot.entity.public_id) for each in self.picked})
        with transaction.atomic():
            drill.save()
            activity.record(
                "drill.finished",
                status=_STATUS[DrillState(drill.state)],
                service=drill.task.service,
                task_label=drill.task.name,
                subject_id=drill.public_id,
                message=drill.message,
            )
            if drill.state != DrillState.PASSED:
                tell_administrators(drill)
        return drill

    def _report(self) -> dict[str, Any]:
        drill = self.drill
        assert drill.finished_at is not None
        return {
            "kind": "everkeep restore drill",
            "format": 1,
            "drill": str(drill.public_id),
            "account": drill.task.account.name,
            "task": drill.task.name,
            "started": drill.started_at.isoformat(),
            "finished": drill.finished_at.isoformat(),
            "result": drill.state,
            "message": drill.message,
            "seed": self.seed,
            "items": drill.items,
            "failed": drill.failed,
            "bytes": drill.size,
            "seconds of reading": drill.seconds,
            "sample": dict(sorted(self.strata.items())),
            "live source": self.live,
            "lines": self.lines,
        }


def _sentence(drill: Drill) -> str:
    if not drill.items:
        return "There was nothing to restore."
    items = "1 item" if drill.items == 1 else f"{drill.items:,} items"
    if drill.failed:
        return f"{drill.failed:,} of {items} could not be restored as they were."
    return f"All of {items} were restored to memory as they were." if drill.items > 1 else "It was restored."


def _batches(picked: Sequence[Picked]) -> Iterator[list[Picked]]:
    waiting = iter(picked)
    while batch := list(islice(waiting, 50)):
        yield batch


def _compare_with_source(
    task: BackupTask, picked: Sequence[Picked], lines: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Fetch a few items of the newest backup from the source: equal bytes are the best proof there is.

    Different bytes are no failure: the source may have changed since. Nor is a source that cannot be asked.
    """
    pairs = [
        (each, line)
        for each, line in zip(picked, lines, strict=False)
        if each.state.number == each.state.latest and "sha256" in line
    ][:LIVE_ITEMS]
    if not pairs:
        return {"asked": 0}
    try:
        same = asyncio.run(_fetch_and_compare(task, pairs))
    except EverkeepError as error:
        return {"asked": 0, "why not": error.what}
    return {"asked": len(pairs), "equal": same}


async def _fetch_and_compare(task: BackupTask, pairs: Sequence[tuple[Picked, dict[str, Any]]]) -> int:
    same = 0
    async with open_connector(task.connection) as connector:
        for each, line in pairs:
            entity = each.snapshot.entity
            archive = entity.task.inplace_archives
            ref = EntityRef(entity.remote_id, entity.kind, entity.address, archive=archive)
            answers = connector.fetch(ref, SubService(each.snapshot.sub_service), [each.node.remote_id])
            async for answer in answers:
                digest = (
                    Whole(answer.content, answer.attachments).digest() if isinstance(answer, Fetched) else ""
                )
                line["source"] = "equal" if digest == line["sha256"] else "changed or gone since"
                same += digest == line["sha256"]
    return same
