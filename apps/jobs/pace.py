"""How fast a running job goes, and when it will be through."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.template.defaultfilters import filesizeformat

from .enums import JobState
from .models import Job

# An estimate from less than this says more than it knows.
AFTER_ITEMS: Final = 20
AFTER: Final = timedelta(seconds=10)
_SHORT: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Progress:
    """Words on a running job; empty while nothing can be told. `until` is when it will be through."""

    rate: str = ""
    left: str = ""
    until: datetime | None = None


def progress_of(job: Job, now: datetime) -> Progress:
    """Reckon from all that was done since it began, rests included: rests will come again."""
    if job.state != JobState.RUNNING or job.started_at is None or job.items_finished < AFTER_ITEMS:
        return Progress()
    elapsed = now - job.started_at
    if elapsed < AFTER:
        return Progress()
    left = elapsed * _parts_left(job)
    tellable = timedelta(minutes=1) <= left <= _SHORT
    return Progress(_rate(job, elapsed), _words(left), now + left if tellable else None)


def _parts_left(job: Job) -> float:
    """How much is left of what is done: by items, or by bytes where large items come last.

    Bytes of what was skipped or failed are in no counter, so that with such only items tell.
    """
    by_items = max(job.items_total - job.items_finished, 0) / job.items_finished
    if job.items_done != job.items_finished or not job.bytes_done:
        return by_items
    return max(by_items, (job.bytes_total - job.bytes_done) / job.bytes_done)


def _rate(job: Job, elapsed: timedelta) -> str:
    minutes = elapsed / timedelta(minutes=1)
    items = round(job.items_finished / minutes)
    if not items:
        return ""
    size = f", {filesizeformat(job.bytes_done / minutes)}" if job.bytes_done else ""
    return f"{items:,} item{'' if items == 1 else 's'}{size} a minute"


def _words(left: timedelta) -> str:
    minutes = round(left / timedelta(minutes=1))
    if minutes < 1:
        return "Less than a minute left"
    if minutes < 90:
        return f"About {minutes} minute{'s' if minutes > 1 else ''} left"
    hours = round(minutes / 60)
    return f"About {hours} hours left" if hours < 48 else f"About {round(hours / 24)} days left"
