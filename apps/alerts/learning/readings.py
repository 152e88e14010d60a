"""One backup of one kind of data of one mailbox in numbers, and the history that it is judged by."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

SNAPSHOTS: Final = 60
DAYS: Final = timedelta(days=60)
"""Learnt from: the last 60 good readings, or those of the last 60 days where backups run more than daily."""
MOST: Final = 240
AT_LEAST: Final = timedelta(days=76)
"""Known are the last 240 readings, or those of 76 days where these are more: what erosion looks back over."""
LASTING_DAYS: Final = 7
LASTING_WITHIN: Final = timedelta(days=14)
"""A level that was odd on 7 days of 14 is the new level: those days are learnt after all. Where backups do not
come every day, it is 7 of the 14 that were due."""


class Metric(StrEnum):
    """What has a usual range. Values stand in rows: never renamed."""

    ADDED = "added"
    CHANGED = "changed"
    REWRITTEN = "rewritten"
    REMOVED = "removed"
    CAME = "came"
    TURNED = "turned"
    SILENCE = "silence"
    ERODED = "eroded"


def marks_of(metric: Metric) -> frozenset[str]:
    """Return the marks of readings that nothing is learnt of for this metric."""
    return frozenset({metric, Metric.ERODED}) if metric == Metric.REMOVED else frozenset({metric})


@dataclass(frozen=True, slots=True)
class Reading:
    """One snapshot. `before` is when the last good one was taken, None for the first.

    `changed` items are there before and after; of these `rewritten` have other content, `refiled` another
    folder, `turned` other files that do not compress, and a share of `renamed` another extension; the files of
    `other_endings` have other endings. `came` are bytes that are new. `good`: all was read. `left_out` says why
    nothing is learnt of it ("" if it is).
    """

    number: int
    at: datetime
    before: datetime | None = None
    added: int = 0
    changed: int = 0
    rewritten: int = 0
    refiled: int = 0
    removed: int = 0
    items: int = 0
    size: int = 0
    came: int = 0
    opaque: float | None = None
    turned: int = 0
    renamed: float = 0.0
    other_endings: int = 0
    good: bool = True
    left_out: str = ""
    odd: frozenset[str] = frozenset()
    accepted: bool = False
    span: timedelta = field(init=False)
    weekday: int = field(init=False)
    """The day of the middle of what it covers: a backup in the small hours of Monday brings Sunday."""

    def __post_init__(self) -> None:
        span = self.at - self.before if self.before else timedelta(0)
        object.__setattr__(self, "span", span)
        object.__setattr__(self, "weekday", (self.at - span / 2).weekday())

    @property
    def acts(self) -> int:
        return self.added + self.changed + self.removed

    @property
    def items_before(self) -> int:
        return max(self.items - self.added + self.removed, 0)

    def value(self, metric: Metric) -> int:
        return int(getattr(self, metric))


class History:
    """Readings in their order, oldest first, none of them the one that is judged.

    `scale`: alarms begin at so many times what they otherwise would.
    """

    def __init__(self, readings: Sequence[Reading], scale: float = 1.0) -> None:
        self.readings, self.scale = known_of(readings), scale
        self._lasting: dict[Metric, frozenset[datetime]] = {}

    def __bool__(self) -> bool:
        return bool(self.readings)

    @cached_property
    def usual_span(self) -> timedelta:
        """How much time a reading covers as a rule; a day while nobody knows."""
        spans = sorted(each.span for each in self.readings if each.before and each.good)
        return max(spans[len(spans) // 2], timedelta(minutes=10)) if spans else timedelta(days=1)

    @cached_property
    def _long_span(self) -> timedelta:
        return self.usual_span * 1.5

    def ratio(self, reading: Reading) -> float:
        """How many usual spans a reading covers: above 1 when backups did not come through for a while."""
        if reading.span <= self._long_span:
            return 1.0
        return reading.span / self.usual_span

    def learnt(self, metric: Metric) -> list[Reading]:
        """Return what the usual range of a metric comes from, oldest first."""
        found: list[Reading] = []
        oldest = self.readings[-1].at - DAYS if self.readings else None
        for each in reversed(self.readings):
            if len(found) >= SNAPSHOTS and oldest and each.at < oldest:
                break
            if each.good and not each.left_out and not self._is_odd(each, metric):
                found.append(each)
        found.reverse()
        return found

    def _is_odd(self, each: Reading, metric: Metric) -> bool:
        is_odd = bool(each.odd) and not each.accepted and not each.odd.isdisjoint(marks_of(metric))
        return is_odd and each.at not in self.lasting(metric)

    def lasting(self, metric: Metric) -> frozenset[datetime]:
        """Return the moments of odd readings that are a new level by now."""
        if metric not in self._lasting:
            marks = marks_of(metric)
            odd = [each.at for each in self.readings if each.odd and not each.odd.isdisjoint(marks)]
            self._lasting[metric] = _lasting(odd, max(LASTING_WITHIN, self.usual_span * LASTING_WITHIN.days))
        return self._lasting[metric]

    def since(self, moment: datetime) -> list[Reading]:
        place = len(self.readings)
        while place and self.readings[place - 1].at > moment:
            place -= 1
        return self.readings[place:]


def known_of(readings: Sequence[Reading]) -> list[Reading]:
    """Return those at the end of a course that the next one is judged by."""
    if len(readings) <= MOST:
        return list(readings)
    first = bisect_left(readings, readings[-1].at - AT_LEAST, key=lambda each: each.at)
    return list(readings[min(first, len(readings) - MOST) :])


def _lasting(odd: Sequence[datetime], within: timedelta) -> frozenset[datetime]:
    found, end = set[datetime](), 0
    for place, start in enumerate(odd):
        while end < len(odd) and odd[end] - start <= within:
            end += 1
        if len({each.date() for each in odd[place:end]}) >= LASTING_DAYS:
            found.update(odd[place:end])
    return frozenset(found)
