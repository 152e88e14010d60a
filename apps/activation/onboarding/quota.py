"""How many first backups a day can take, and what limits it. Plain arithmetic: no database, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

REQUESTS_A_SECOND: Final = 16.0
"""What Microsoft allows one app in one mailbox: 10,000 requests in 10 minutes; we keep to 9,600."""
ALL_REQUESTS_A_SECOND: Final = 13_000.0
"""What Microsoft allows one app over all tenants: 130,000 requests in 10 seconds."""
ASSUMED_REQUESTS: Final = 10_000
"""What a first backup costs before any was measured: about one request for each message."""
SHARE: Final = 0.7
"""The part of a day that is planned with: the rest is for daily backups, and for trouble."""
DAY_SECONDS: Final = 86_400
FEW: Final = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """What first backups have cost so far: their number, and medians of each."""

    backups: int = 0
    requests: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many mailboxes a day, and in words which limit that comes from and what it rests on."""

    a_day: int
    binds: str
    basis: str

    def days(self, left: int) -> int:
        return ceil(left / self.a_day)


def pace_of(measured: Measured, workers: int, *, lately: Sequence[int] = ()) -> Pace:
    """Plan a day. `workers`: mailboxes that are backed up at once; `lately`: what the last full days came to.

    Days that fell short pull the plan down to what they came to, since nothing that is guessed beats them.
    """
    known = measured.backups >= FEW
    requests = measured.requests if known else float(ASSUMED_REQUESTS)
    least = requests / REQUESTS_A_SECOND
    seconds = max(measured.seconds, 1.0) if known else least
    by_workers = workers * DAY_SECONDS * SHARE / max(seconds, 1.0)
    by_app = ALL_REQUESTS_A_SECOND * DAY_SECONDS * SHARE / max(requests, 1.0)
    planned = int(min(by_workers, by_app))
    basis = (
        f"Measured on {measured.backups:,} first backups: {requests:,.0f} requests and {_time(seconds)} each."
        if known
        else f"Assumed until {FEW} first backups are measured: {requests:,.0f} requests each."
    )
    if lately and 0 < max(lately) < planned:
        return Pace(max(lately), "What the last days came to: they fell short of the plan", basis)
    return Pace(max(planned, 1), _binds(by_workers <= by_app, seconds <= 1.5 * least, workers), basis)


def _binds(workers_bind: bool, at_microsofts_limit: bool, workers: int) -> str:
    if not workers_bind:
        return "Microsoft's limit for one app over all organisations: 130,000 requests in 10 seconds"
    at_once = f"{workers} mailbox{'' if workers == 1 else 'es'} at once on this installation"
    if at_microsofts_limit:
        return f"Microsoft's limit for one mailbox, 10,000 requests in 10 minutes, with {at_once}"
    return f"The speed of this installation, with {at_once}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds >= 90 else f"{seconds:,.0f} seconds"
