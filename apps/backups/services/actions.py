"""What a person may do to entities of a task, each with its right and its sentence."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.templatetags.everkeep import exact_words

from ..enums import Precedence
from ..models import BackupTask, Entity
from ..planning import first_start
from ..service_list import nouns_of
from . import activation, limiting, ordering, runs
from .tallies import forget_tally

CANCEL_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Action:
    """One verb. `said` and `unfit` are sentences about how many it was done to, and about none.

    `label` is the word of its button, `question` what a person should know when the page asks first.
    """

    label: str
    permission: Permission
    do: Callable[..., int]
    said: str
    unfit: str
    question: str = ""


def _cancel(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
    """Ask each that runs or waits on demand to stop."""
    count = 0
    for entity in entities.select_related("task")[:CANCEL_AT_MOST]:
        with suppress(Conflict):
            runs.cancel_run(entity=entity)
            count += 1
    return count


def _in_order(precedence: Precedence) -> Callable[..., int]:
    def do(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
        return ordering.put_in_order(task=task, entities=entities, precedence=precedence)

    return do


ACTIONS = {
    "activate": Action(
        "Activate",
        Permission.ACTIVATE,
        activation.activate,
        "{} activated. {start}",
        "Nothing to activate: what you chose is active or archived.",
    ),
    "backup_now": Action(
        "Back up now",
        Permission.EXECUTE,
        lambda *, task, entities: runs.backup_now(entities=entities),
        "{}: backup starts within a minute, or as soon as a worker is free.",
        "Nothing to back up: only active mailboxes that are not running already can be started.",
    ),
    "pause": Action(
        "Pause",
        Permission.PAUSE,
        activation.pause,
        "{} paused. What is kept stays; a backup in progress is finished.",
        "Nothing to pause: what you chose is not active.",
    ),
    "resume": Action(
        "Resume",
        Permission.PAUSE,
        activation.resume,
        "{} resumed. {start}",
        "Nothing to resume: what you chose is not paused.",
    ),
    "limit": Action(
        "Limit access",
        Permission.LIMITED_ACCESS,
        limiting.limit,
        "{}: limited access from now on. Only who holds that right still sees them.",
        "Nothing to limit: what you chose has limited access already.",
        "Only people who hold the right “Limited access” still see, restore and export them. "
        "For everybody else they are gone: from lists, counts, activity, jobs, and earlier downloads.",
    ),
    "unlimit": Action(
        "Take the limit away",
        Permission.LIMITED_ACCESS,
        limiting.unlimit,
        "{}: no longer limited. Everybody with the right to view backups sees them again.",
        "Nothing to change: what you chose has no limited access.",
        "Everybody with the right to view backups of this service sees them again, with all that is kept.",
    ),
    "first": Action(
        "Back up first",
        Permission.MODIFY,
        _in_order(Precedence.FIRST),
        "{}: first from now on, when many of this task are due.",
        "Nothing to change: what you chose comes first already.",
    ),
    "in_turn": Action(
        "Back up in turn",
        Permission.MODIFY,
        _in_order(Precedence.USUAL),
        "{}: in turn from now on, the most overdue first.",
        "Nothing to change: what you chose comes in turn already.",
    ),
    "last": Action(
        "Back up last",
        Permission.MODIFY,
        _in_order(Precedence.LAST),
        "{}: last from now on, when many of this task are due.",
        "Nothing to change: what you chose comes last already.",
    ),
    "cancel": Action(
        "Cancel the backup",
        Permission.CANCEL,
        _cancel,
        "{}: the backup in progress stops after the items at hand. What is stored stays.",
        "Nothing to cancel: no backup is in progress.",
    ),
}


ASKED_TWICE = ("limit", "unlimit")
"""What others notice at once and cannot explain to themselves: the page asks again before it is done."""


def act_on(*, task: BackupTask, action: str, entities: QuerySet[Entity], sure: bool = False) -> str:
    """Do it if the actor may; returns the sentence that says to how many. Raises InvalidRequest.

    What is ASKED_TWICE is done only to who is `sure`.
    """
    verb = ACTIONS.get(action)
    if verb is None:
        raise InvalidRequest(
            "That is nothing that can be done to a mailbox.", do="Use the buttons of the page."
        )
    require(verb.permission)
    if action in ASKED_TWICE and not sure:
        raise InvalidRequest("This wants a second yes.", do="Choose it on the page of the backup task.")
    count = verb.do(task=task, entities=entities)
    forget_tally(task)
    if not count:
        return verb.unfit
    return verb.said.format(nouns_of(task.service).count(count), start=_start_words(task))


def _start_words(task: BackupTask) -> str:
    """Say when the first of them begins, and what does not wait for it."""
    start = first_start(task)
    if start is None:
        return "Nothing starts by itself: this task runs on demand or after another one."
    return f"The next backup starts on {exact_words(start)}; Back up now starts it at once."
