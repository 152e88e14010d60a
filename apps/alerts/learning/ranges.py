"""The usual range of a metric: robust, on a logarithmic scale, by the day of the week, with absolute floors.

Where an alarm begins is decided by the largest usual value and by how much values spread, each of them alone
too nervous: at least half more than anything usual, at most four times that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from .readings import History, Metric, Reading

LEAST_READINGS: Final = 14
LEAST_TIME: Final = timedelta(days=10)
SAME_DAY: Final = 5  # readings of one weekday, before it is judged by itself
LONGEST_AWAY: Final = 45.0  # usual spans that may come at once; what lies further back is no excuse
CREDIT_TIME: Final = timedelta(days=28)
_SPREAD: Final = 5.0
_LEAST_SPREAD: Final = 0.35
_LEAST_FACTOR, _MOST_FACTOR = 1.5, 4.0
_FEW: Final = 8.0  # the fewer readings, the less their largest says
DEFERRED: Final = frozenset({Metric.CHANGED, Metric.REMOVED, Metric.REWRITTEN})
"""What people do later when they were away: what was not done lately may be done now."""
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Range:
    """What is usual: `low` to `high`; beyond `limit` somebody is told. `learnt` says from how many readings."""

    low: int
    high: int
    limit: float
    learnt: int


@dataclass(frozen=True, slots=True)
class _Floor:
    """No alarm up to `least`, nor up to this share of the mailbox as long as that is no more than `most`."""

    least: float
    share: float
    most: float

    def of(self, whole: float) -> float:
        return max(self.least, min(whole * self.share, self.most))


FLOORS: Final = {
    Metric.REMOVED: _Floor(60, 0.02, 300),
    Metric.REWRITTEN: _Floor(60, 0.02, 300),
    Metric.CHANGED: _Floor(200, 0.05, 2_000),
    Metric.ADDED: _Floor(200, 0.05, 3_000),
    Metric.CAME: _Floor(500 * MEGABYTE, 0.10, 20_000 * MEGABYTE),
    Metric.TURNED: _Floor(8, 0.0, 8),
}


def floor_of(history: History, metric: Metric, reading: Reading) -> float:
    """Return up to which value nobody is alarmed, whatever is usual."""
    whole = reading.size if metric == Metric.CAME else reading.items_before
    return FLOORS[metric].of(whole) * history.scale


def usual(history: History, metric: Metric, reading: Reading) -> Range | None:
    """Return the usual range for a reading, None while too little is known."""
    learnt = history.learnt(metric)
    if len(learnt) < LEAST_READINGS or learnt[-1].at - learnt[0].at < LEAST_TIME:
        return None
    every = sorted(each.value(metric) / history.ratio(each) for each in learnt)
    times = min(history.ratio(reading), LONGEST_AWAY)
    same = sorted(float(each.value(metric)) for each in learnt if each.weekday == reading.weekday)
    if times == 1.0 and len(same) >= SAME_DAY:
        shown, limit = same, max(_limit(same), _limit(every) / 2)
    else:
        shown, limit = every, _limit(every) * times
    if metric in DEFERRED and reading.value(metric) > limit:
        limit += _credit(history, metric, learnt)
    return Range(
        low=math.floor(quantile(shown, 0.05)),
        high=math.ceil(quantile(shown, 0.95) * times),
        limit=max(limit * history.scale, floor_of(history, metric, reading)),
        learnt=len(learnt),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that this share of a sorted list does not exceed."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _middle(ordered: Sequence[float]) -> float:
    return ordered[len(ordered) // 2]


def _limit(ordered: Sequence[float]) -> float:
    largest = ordered[-1] * (1 + _FEW / len(ordered))
    logs = [math.log1p(each) for each in ordered]
    middle = _middle(logs)
    spread = 1.4826 * _middle(sorted(abs(each - middle) for each in logs))
    wide = math.expm1(min(middle + _SPREAD * max(spread, _LEAST_SPREAD), 50.0))
    return max(largest * _LEAST_FACTOR, min(wide, largest * _MOST_FACTOR))


def _credit(history: History, metric: Metric, learnt: Sequence[Reading]) -> float:
    """Return how much less than usual was done in the last weeks, less what was made up for already."""
    by_day: list[list[float]] = [[] for _ in range(7)]
    for each in learnt:
        by_day[each.weekday].append(float(each.value(metric)))
    mean, owed = [sum(day) / len(day) if day else 0.0 for day in by_day], 0.0
    for each in history.since(history.readings[-1].at - CREDIT_TIME):
        owed = max(owed + mean[each.weekday] - each.value(metric), 0.0)
    return owed
