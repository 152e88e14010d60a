"""A busy mailbox from which nothing comes, by its own rhythm; and a whole task of which nothing comes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from .findings import Finding, Kind, Weight
from .ranges import quantile
from .readings import History, Metric, Reading

QUIET_SEASON: Final = 0.15
"""What is left of the usual in the quietest weeks of a year, when a company is closed."""
EXPECTED: Final = 10.0
"""Acts that should have happened meanwhile even then: that none did is one chance in 20,000."""
BUSY_DAYS: Final = 0.5
SAME_DAYS: Final = 4
LONGER: Final = 2.0
LEAST_DAYS: Final = 14
LEAST_TIME: Final = timedelta(hours=20)
"""Less is no silence: some nights are quiet in the busiest mailbox."""
LEAST_MAILBOXES: Final = 3
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a mailbox does on a day as a rule, by weekday: its lower quarter."""

    by_day: tuple[float, ...]
    learnt: int

    def expects(self, reading: Reading) -> float:
        return self.by_day[reading.weekday] * (reading.span / DAY)


def rhythm(history: History) -> Rhythm | None:
    """Return the rhythm of a busy mailbox, None of one that is not busy or not known for long."""
    learnt = history.learnt(Metric.SILENCE)
    sums: dict[date, int] = defaultdict(int)
    for each in learnt:
        if each.span <= 2 * DAY:
            sums[(each.at - each.span / 2).date()] += each.acts
    if len(sums) < LEAST_DAYS:
        return None
    every = sorted(sums.values())
    if sum(1 for each in every if each) < len(every) * BUSY_DAYS:
        return None
    by_day = []
    for day in range(7):
        same = sorted(count for when, count in sums.items() if when.weekday() == day)
        by_day.append(float(quantile(same, 0.25) if len(same) >= SAME_DAYS else same[0] if same else 0))
    return Rhythm(tuple(by_day), len(learnt))


def silence(history: History, reading: Reading) -> Iterator[Finding]:
    """Yield a finding when nothing at all happened for longer than a quiet season explains."""
    if reading.acts or not reading.good or reading.left_out:
        return
    known = rhythm(history)
    if known is None:
        return
    quiet = [reading]
    for each in reversed(history.readings):
        if each.acts:
            break
        quiet.append(each)
    missing = sum(known.expects(each) for each in quiet)
    lasted = reading.at - (quiet[-1].before or quiet[-1].at)
    longest = _longest([each for each in history.learnt(Metric.SILENCE) if each.at < quiet[-1].at])
    if missing * QUIET_SEASON < EXPECTED or lasted < max(longest * LONGER, LEAST_TIME):
        return
    yield Finding(
        Kind.SILENCE, Metric.SILENCE, Weight.WARNING, 0, round(min(known.by_day)), round(max(known.by_day)),
        known.learnt, max(lasted.days, 1),
        {"missing": round(missing), "hours": round(lasted.total_seconds() / 3600)},
    )  # fmt: skip


def _longest(learnt: Sequence[Reading]) -> timedelta:
    """Return the longest time without anything that there was before."""
    longest, since = timedelta(0), None
    for each in learnt:
        if each.acts:
            since = None
            continue
        since = since or each.before or each.at
        longest = max(longest, each.at - since)
    return longest


def task_silence(mailboxes: Iterable[tuple[float, int]]) -> Finding | None:
    """Judge a day of a whole task: for each mailbox what it usually does at least, and what it did."""
    found = list(mailboxes)
    expected, done = sum(each for each, _ in found), sum(each for _, each in found)
    if len(found) < LEAST_MAILBOXES or done or expected * QUIET_SEASON < EXPECTED:
        return None
    return Finding(
        Kind.SILENCE, Metric.SILENCE, Weight.CRITICAL, 0, round(expected), round(expected), len(found), 1,
        {"mailboxes": len(found)},
    )  # fmt: skip
