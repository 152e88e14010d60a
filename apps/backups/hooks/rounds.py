"""When a round of a task with hooks begins, whether it may go on, and when it ends.

The tick asks `closed_tasks` before it picks: a task whose hook is asked waits, its regular backups only; what a
person orders goes at once and belongs to no round. The tick itself goes on when the time of an answer is over,
whatever workers do, so a hook that is dead holds nobody up for longer. The database lets a task have one round
at a time, so two ticks begin none twice.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Sum

from apps.accounts.selectors import stopped_accounts
from apps.core import clock
from apps.core.scope import account_scope
from apps.core.sight import whole_sight

from ..engine.rounds import goes_on
from ..enums import (
    EntityState,
    HookMoment,
    LetterState,
    Otherwise,
    RoundState,
    RunPriority,
    Topic,
    Trigger,
    Verdict,
)
from ..models import BackupTask, Entity, Hook, HookLetter, HookRound, Run
from ..planning import put_off
from ..services.news import note
from .letters import forget_old, settle, write
from .said import say

logger = logging.getLogger("everkeep.backups")
LONGEST: Final = timedelta(hours=24)
CLOCKS: Final = timedelta(minutes=1)
"""So far a clock may be corrected while a hook is asked. What was asked later than that is over."""
NO_ANSWER: Final = "No yes in time."
_WORST_FIRST: Final = (
    Verdict.FAILED,
    Verdict.CANCELLED,
    Verdict.STOPPED,
    Verdict.RUNNING,
    Verdict.PARTIAL,
    Verdict.SUCCESS,
)
_SUMS: Final = {
    "stored": Sum("items_stored"),
    "removed": Sum("items_removed"),
    "skipped": Sum("items_skipped"),
    "failed": Sum("items_failed"),
}


def closed_tasks() -> set[int]:
    """Begin and settle rounds; return the tasks whose regular backups may not start yet. In every scope."""
    hooks = list(
        Hook.objects.filter(active=True)
        .exclude(account__in=stopped_accounts())
        .values_list("account_id", "task_id", "moment", "waits")
    )
    if not hooks:
        return set()
    under_way = {row.task_id: row for row in HookRound.objects.filter(state__in=RoundState.under_way())}
    tasks = {task_id: account_id for account_id, task_id, _, _ in hooks}
    for task_id, account_id in list(tasks.items()):
        try:
            with account_scope(account_id):
                _look_at(task_id, under_way.get(task_id))
        except Exception:
            logger.exception("the hooks of task %s could not be looked at: it goes on without", task_id)
            del tasks[task_id]
    ask = {task_id for _, task_id, moment, waits in hooks if waits and moment == HookMoment.BEFORE}
    open_now = HookRound.objects.filter(state=RoundState.OPEN).values_list("task_id", flat=True)
    return (ask & tasks.keys()) - set(open_now) if ask else set()


def _look_at(task_id: int, known: HookRound | None) -> None:
    if known is None and regular(task_id).exists():
        known = _begin(task_id)
    if known is not None and known.state == RoundState.ASKING:
        _decide(known)


def regular(task_id: int) -> QuerySet[Entity]:
    """What is due by the clock or after another task, not by a person's order."""
    now = clock.now()
    rows = Entity.objects.filter(task=task_id, state=EntityState.ACTIVE, next_run_at__lte=now)
    return rows.filter(Q(lease_owner="") | Q(lease_until__lt=now), run_priority=RunPriority.ROUTINE)


def _begin(task_id: int) -> HookRound | None:
    """Make the round and ask; None where another tick was faster."""
    try:
        with transaction.atomic():
            task = BackupTask.objects.get(pk=task_id)
            made = HookRound.objects.create(account_id=task.account_id, task=task, begun_at=clock.now())
            for hook in _hooks(task_id, HookMoment.BEFORE):
                due = regular(task_id).filter(_seen(hook, "limited")).count()
                facts = {"round": str(made.public_id), "mailboxes": {"due": due}}
                write(hook, "round.before", facts, made, asks=hook.asks)
            return made
    except IntegrityError:
        return None


def _decide(row: HookRound) -> None:
    """Let it go on, skip it, or leave it waiting; whoever comes second finds it decided."""
    letters = list(HookLetter.objects.filter(round=row, decides_by__isnull=False).select_related("hook__task"))
    decision = decision_of(letters, clock.now())
    if decision is None:
        return
    with transaction.atomic():
        now, skips = clock.now(), decision == Otherwise.SKIP
        asking = HookRound.objects.filter(pk=row.pk, state=RoundState.ASKING)
        changes: dict[str, Any] = {"state": RoundState.OPEN, "opened_at": now}
        if skips:
            changes = {"state": RoundState.SKIPPED, "ended_at": now}
        if not asking.update(**changes):
            return
        for letter in letters:
            if letter.state == LetterState.WAITING:
                settle(letter, LetterState.FAILED, f"{NO_ANSWER} {letter.said}".strip())
        if skips:
            _skip(row)


def decision_of(letters: Sequence[HookLetter], now: datetime) -> Otherwise | None:
    """What becomes of a round whose hooks said this so far; None: wait on. One that says skip is enough."""
    waits = False
    for letter in letters:
        if letter.state == LetterState.DELIVERED:
            continue
        if letter.state == LetterState.WAITING and _in_time(letter, now):
            waits = True
        elif letter.hook.otherwise == Otherwise.SKIP:
            return Otherwise.SKIP
    return None if waits else Otherwise.GO


def _in_time(letter: HookLetter, now: datetime) -> bool:
    """Asked by a clock that ran ahead, it is not: its time would come after that of many backups."""
    return letter.decides_by is not None and letter.created_at - CLOCKS <= now < letter.decides_by


def _skip(row: HookRound) -> None:
    """The regular backups wait for their next start; what is overdue by then is said so as ever."""
    task = BackupTask.objects.select_related("policy", "after_task").get(pk=row.task_id)
    count = put_off(task, regular(task.pk))
    for hook in _hooks(task.pk, HookMoment.BEFORE)[:1]:
        say(hook, "hook.skipped", count=count)
        note(task, Topic.RULE, words=f"The hook {hook} did not let a round of backups begin.")
    _tell(row, "skipped")


def end_hook_rounds(task: BackupTask | None = None) -> int:
    """End rounds that are through, of one task or all in the scope in force; returns how many.

    One that asks hooks of which none is in force any more goes on here: the tick looks at tasks with hooks.
    """
    rows = HookRound.objects.filter(state__in=RoundState.under_way()).select_related("task__policy")
    ended = 0
    for row in rows.filter(task=task) if task is not None else rows:
        if row.state == RoundState.ASKING:
            with account_scope(row.account_id):
                _decide(row)
            continue
        late = row.opened_at is not None and clock.now() - row.opened_at >= LONGEST
        with account_scope(row.account_id), whole_sight("a round ends for all mailboxes of its task"):
            if not late and goes_on(row.task):
                continue
            ended += _end(row)
    return ended


@transaction.atomic
def _end(row: HookRound) -> bool:
    """Say how it went; of two runs that end together only one does."""
    now = clock.now()
    if not HookRound.objects.filter(pk=row.pk, state=RoundState.OPEN).update(
        state=RoundState.ENDED, ended_at=now
    ):
        return False
    _tell(row)
    forget_old(row.task_id)
    return True


def _tell(row: HookRound, outcome: str = "") -> None:
    for hook in _hooks(row.task_id, HookMoment.AFTER):
        facts: dict[str, Any] = {"outcome": "skipped"} if outcome else _figures(row, hook)
        times = {"begun_at": row.begun_at.isoformat(), "ended_at": clock.now().isoformat()}
        write(hook, "round.after", {"round": str(row.public_id), **times, **facts}, row)


def _figures(row: HookRound, hook: Hook) -> dict[str, Any]:
    """How many mailboxes ended how, by the newest run of each, and what all runs together did. No names."""
    since = row.opened_at or row.begun_at
    runs = Run.objects.filter(_seen(hook, "entity__limited"), entity__task=row.task_id, started_at__gte=since)
    runs = runs.exclude(trigger=Trigger.PERSON)
    newest = dict(runs.order_by("started_at", "id").values_list("entity_id", "verdict"))
    verdicts = Counter(newest.values())
    sums = runs.aggregate(**_SUMS, received=Sum("bytes_received"), kept=Sum("bytes_stored"))
    return {
        "outcome": _outcome(verdicts),
        "mailboxes": {str(verdict): verdicts[verdict] for verdict in Verdict},
        "items": {name: sums[name] or 0 for name in _SUMS},
        "bytes": {"received": sums["received"] or 0, "stored": sums["kept"] or 0},
    }


def _outcome(verdicts: Counter[str]) -> str:
    """The worst that happened to any mailbox; "nothing": none was backed up."""
    return next((str(verdict) for verdict in _WORST_FIRST if verdicts[verdict]), "nothing")


def _hooks(task_id: int, moment: HookMoment) -> list[Hook]:
    rows = Hook.objects.filter(task=task_id, moment=moment, active=True).select_related("task")
    return list(rows.order_by("pk"))


def _seen(hook: Hook, limited: str) -> Q:
    """Mailboxes of limited access are counted only where who set the hook sees them."""
    return Q() if hook.whole else Q(**{limited: False})
