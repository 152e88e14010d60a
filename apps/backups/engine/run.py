"""One run of one entity, from the lease to the commit. Whatever happens, its row says how it ended."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from apps.connectors.base import Connector, EntityRef
from apps.connectors.enums import EntityKind
from apps.connectors.services import connection_mark_disconnected, connection_note_kinds, open_connector
from apps.core import clock
from apps.core.discretion import told
from apps.core.errors import ConsentLost, EverkeepError, Gone, Throttled

from ..enums import Trigger, Verdict
from ..errors import LeaseLost, RunCancelled, RunStopped, WindowClosed
from ..hooks.rounds import end_hook_rounds
from ..models import BackupTask, Entity, Run, Snapshot
from ..planning import exclusions_of, schedule_of
from .bridge import Bridge
from .commit import Ending, commit, end_without_snapshot
from .context import Limits, RunContext
from .kinds import KindFailed, fails_one_kind, kind_failed
from .lease import HEARTBEAT_SECONDS, Lease, claim
from .pace import after_failure, entity_now, slot_after_run
from .rounds import round_ended
from .sealing import Sealer
from .stopping import is_stopping
from .stream import Stream

logger = logging.getLogger("everkeep.backups")
NOT_OURS: Final = "not ours"
OVERTAKEN: Final = "overtaken"
CLOSED: Final = "outside its hours"
LEFT_OUT: Final = "A rule of your account leaves this kind of data out. What was stored before stays."


def run_backup(
    *,
    account_id: int,
    entity_id: int,
    token: str = "",
    stopping: Callable[[], bool] = is_stopping,
    limits: Limits | None = None,
) -> str:
    """Back up one entity now, in the caller's account scope; returns the verdict or why nothing was done.

    Safe to call twice, late, or for an entity that another process runs: then it returns "not ours".
    """
    lease = claim(account_id=account_id, entity_id=entity_id, token=token)
    if lease is None:
        return NOT_OURS
    entity = entity_now(entity_id)
    trigger = entity.run_trigger or Trigger.SCHEDULE
    if trigger == Trigger.SCHEDULE and not schedule_of(entity).is_open(clock.now()):
        with lease.guard():
            lease.put_off(slot_after_run(entity_now(entity_id), soon=True))
        return CLOSED
    run = Run.objects.create(account_id=account_id, entity=entity, trigger=trigger, started_at=clock.now())
    try:
        streams, failed = _read(run, lease, stopping, limits or Limits())
        verdict = commit(run, lease, streams, failed)
    except LeaseLost:
        logger.warning("backup run %s was overtaken by another worker", run.public_id)
        return OVERTAKEN
    except BaseException as error:
        ending = _ending(run, error)
        _try_to_close(run, lease, ending)
        _end_round(run)
        if not isinstance(error, Exception):
            raise
        return ending.verdict
    connection_note_kinds(
        connection=entity.task.connection,
        refused=[each.sub_service for each in failed if each.refused],
        read=[each.sub_service for each in streams],
    )
    _end_round(run)
    return verdict


def _read(
    run: Run, lease: Lease, stopping: Callable[[], bool], limits: Limits
) -> tuple[list[Stream], list[KindFailed]]:
    entity, bridge = run.entity, Bridge()
    connector = open_connector(entity.task.connection)
    target = EntityRef(
        entity.remote_id,
        entity.kind,
        entity.address,
        recoverable=entity.task.recoverable_items,
        archive=entity.task.inplace_archives,
    )
    sealer = Sealer(run.account_id, entity.task.shelf)
    deadline = schedule_of(entity).stop_at(clock.now()) if run.trigger == Trigger.SCHEDULE else None
    rule = exclusions_of(entity)
    context = RunContext(run, lease, target, connector, sealer, bridge, stopping, limits, deadline, rule)
    kinds = connector.sub_services(EntityKind(entity.kind))
    left_out = [KindFailed(kind, LEFT_OUT, excluded=True) for kind in kinds if kind in rule.kinds]
    streams = [Stream(context, kind, _last_snapshot(entity, kind)) for kind in kinds if kind not in rule.kinds]
    read, failed = bridge.run(lambda: _read_all(context, connector, streams))
    return read, failed + left_out


async def _read_all(
    context: RunContext, connector: Connector, streams: Sequence[Stream]
) -> tuple[list[Stream], list[KindFailed]]:
    beat = asyncio.create_task(_heartbeat(context))
    reading = asyncio.create_task(_read_streams(context, connector, streams))
    try:
        await asyncio.wait({beat, reading}, return_when=asyncio.FIRST_COMPLETED)
        if beat.done():
            beat.result()
        return await reading
    finally:
        for task in (beat, reading):
            task.cancel()
        await asyncio.gather(beat, reading, return_exceptions=True)
        await context.sealer.close()


async def _read_streams(
    context: RunContext, connector: Connector, streams: Sequence[Stream]
) -> tuple[list[Stream], list[KindFailed]]:
    """Read each kind of data; one that fails stays as it was and stops no other.

    Raises the first error when nothing at all could be read.
    """
    read: list[Stream] = []
    errors: list[Exception] = []
    failed: list[KindFailed] = []
    async with connector:
        for stream in streams:
            try:
                await stream.read()
            except Exception as error:
                if not fails_one_kind(error, others_read=bool(read)):
                    raise
                errors.append(error)
                before = stream.before is not None
                number = context.run.public_id
                failed.append(kind_failed(stream.sub_service, error, number, read_before=before))
            else:
                read.append(stream)
    if not read and errors:
        raise errors[0]
    return read, failed


async def _heartbeat(context: RunContext) -> None:
    """Keep the lease while a provider lets us wait. Raises LeaseLost and what ends a run early."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        context.check_stop()
        if await context.bridge.call(context.lease.renew):
            raise RunCancelled("Cancelled. What was read so far will be used by the next run.")


def _last_snapshot(entity: Entity, sub_service: str) -> Snapshot | None:
    snapshots = Snapshot.objects.filter(entity=entity, sub_service=sub_service)
    return snapshots.order_by("-number").first()


def _ending(run: Run, error: BaseException) -> Ending:
    """Put an error into words that a person can act on. Only our own faults are logged with their trace."""
    match error:
        case RunCancelled():
            return Ending(Verdict.CANCELLED, error.what, slot_after_run)
        case WindowClosed():
            return Ending(Verdict.STOPPED, error.what, partial(slot_after_run, soon=True))
        case RunStopped():
            return Ending(Verdict.CANCELLED, error.what, lambda _: clock.now())
        case ConsentLost() | Gone():
            if isinstance(error, ConsentLost):
                connection_mark_disconnected(connection=run.entity.task.connection, reason=str(error))
            return Ending(Verdict.FAILED, str(error), slot_after_run)
        case EverkeepError():
            wait = error.retry_after if isinstance(error, Throttled) else None
            words = told(error, run.public_id)
            return Ending(Verdict.FAILED, words, partial(after_failure, at_least=wait))
    logger.exception("backup run %s failed because of a fault of ours", run.public_id, exc_info=error)
    text = f"A fault of ours stopped the backup. It will be tried again. Reference: {run.public_id}"
    return Ending(Verdict.FAILED, text, after_failure)


def _end_round(run: Run) -> None:
    """Start what waits for this one. Where that fails, the regular look for ended rounds makes up for it."""
    try:
        task = BackupTask.objects.select_related("policy").get(pk=run.entity.task_id)
        end_hook_rounds(task)
        round_ended(task)
    except Exception:
        logger.exception("backup run %s: what follows its task could not be started", run.public_id)


def _try_to_close(run: Run, lease: Lease, ending: Ending) -> None:
    """Write the ending. Where even that fails (database full), the next claim closes the row."""
    try:
        end_without_snapshot(run, lease, ending)
    except Exception:
        logger.exception("backup run %s: its end could not be written", run.public_id)
