"""Which app does which kind of job. Filled by upper apps in `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.core.errors import Conflict
from apps.core.permissions import Permission

from .base import Handler, UrlOf
from .models import Job


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a job's page that the app behind the job fills."""

    template: str
    context: dict[str, Any]


Repeat = Callable[[Job, bool], str]
"""Does a job again, or with True only what it did not get done; returns the address where that goes on: the
new job's, or a page that asks first. Raises EverkeepError when it is not possible any more."""


@dataclass(frozen=True, slots=True)
class JobKindEntry:
    """`handler` does the work; `results_url` gives the address of what can be downloaded, or "".

    `finished` is called in the transaction of the job's end, to tell its initiator. `cancelling` is the right
    that cancelling it takes. `panel` is what its page shows besides the items. `repeat` does a job that is over
    again, and takes the right `repeating`.
    """

    handler: Handler
    results_url: UrlOf | None = None
    finished: Callable[[Job], None] | None = None
    cancelling: Permission = Permission.CANCEL
    panel: Callable[[Job], Panel | None] | None = None
    repeat: Repeat | None = None
    repeating: Permission = Permission.RESTORE


_kinds: dict[str, JobKindEntry] = {}


def register(
    kind: str,
    handler: Handler,
    *,
    results_url: UrlOf | None = None,
    finished: Callable[[Job], None] | None = None,
    cancelling: Permission = Permission.CANCEL,
    panel: Callable[[Job], Panel | None] | None = None,
    repeat: Repeat | None = None,
    repeating: Permission = Permission.RESTORE,
) -> None:
    """Say who does this kind of job. The last one wins, so that a test may put its own in place."""
    _kinds[kind] = JobKindEntry(handler, results_url, finished, cancelling, panel, repeat, repeating)


def unregister(kind: str) -> None:
    """Forget a kind (tests)."""
    _kinds.pop(kind, None)


def handler_of(kind: str) -> Handler:
    """Return who does it. Raises LookupError when no installed app does."""
    try:
        return _kinds[kind].handler
    except KeyError:
        raise LookupError(f"No app does jobs of the kind “{kind}”.") from None


def right_to_cancel(kind: str) -> Permission:
    """Return the right that cancelling a job of this kind takes."""
    entry = _kinds.get(kind)
    return entry.cancelling if entry else Permission.CANCEL


def right_to_repeat(kind: str) -> Permission | None:
    """Return the right that doing a job of this kind again takes; None when that makes no sense."""
    entry = _kinds.get(kind)
    return entry.repeating if entry and entry.repeat else None


def repeat(job: Job, *, failed_only: bool) -> str:
    """Do a job again and return where that goes on. Raises EverkeepError."""
    entry = _kinds.get(job.kind)
    if entry is None or entry.repeat is None:
        raise Conflict("A job of this kind cannot be done again.")
    return entry.repeat(job, failed_only)


def tell_finished(job: Job) -> None:
    """Call the app whose job has ended."""
    entry = _kinds.get(job.kind)
    if entry and entry.finished:
        entry.finished(job)


def results_url(job: Job) -> str:
    """Return where the job's results can be downloaded now, "" when there is nothing (any more)."""
    entry = _kinds.get(job.kind)
    return entry.results_url(job) if entry and entry.results_url else ""


def panel_of(job: Job) -> Panel | None:
    """Return what the page of this job shows besides its items; None for nothing."""
    entry = _kinds.get(job.kind)
    return entry.panel(job) if entry and entry.panel else None
