"""Mailboxes of different temper, and what a calm year brings them: no attack, but all that people do.

A mailbox is an iterator of readings; the same numbers give the same year. Not what a backup measures but what
happened at the source: `Life` counts items on, so that a reading's totals are those of the mailbox.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from apps.alerts.learning.readings import Reading

START = date(2026, 1, 1)
MAIL_BYTES = 60_000


@dataclass
class Temper:
    """How somebody works. Rates are per working day; `week` is how much of it happens from Monday on.

    `spread` is that of the logarithm of a day's amount around its mean.
    """

    name: str
    added: float
    changed: float
    removed: float
    week: tuple[float, ...] = (1.5, 1.0, 1.0, 1.0, 0.9, 0.1, 0.08)
    spread: float = 0.45
    vacations: tuple[tuple[int, int], ...] = ()  # first day of the year, days
    season: Callable[[int], float] = field(default=lambda day: 1.0)
    monthly: float = 1.0  # the first working days of a month bring so many times the usual
    newsletters: float = 0.0  # a day, whatever weekday; deleted some days later by a rule of the mailbox
    grows: float = 0.0  # share a day
    tidies: float = 0.0  # the chance of a day on which two weeks of mail are deleted at once
    starts: int = 0
    first: int = 4_000


def closed_at_year_end(day: int) -> float:
    """A company that is closed over Christmas and quiet in August."""
    if day % 365 < 6 or day % 365 >= 357:
        return 0.15
    return 0.5 if 212 <= day % 365 < 236 else 1.0


def summer_business(day: int) -> float:
    """Three times as much in July as in January, with no step in between."""
    return 2.0 - math.cos(2 * math.pi * (day % 365) / 365)


TEMPERS = (
    Temper("busy", 120, 160, 40, first=20_000, vacations=((45, 9), (190, 21), (300, 5))),
    Temper("busy and steady", 60, 80, 15, spread=0.2, season=closed_at_year_end),
    Temper("sales", 200, 260, 90, first=45_000, spread=0.7, monthly=2.0, season=closed_at_year_end),
    Temper("quiet", 4, 5, 1, first=700, spread=0.6),
    Temper("hardly used", 0.3, 0.2, 0.05, first=60, spread=0.8),
    Temper("weekends only", 40, 30, 8, week=(0.05, 0.05, 0.05, 0.05, 0.3, 1.5, 1.5)),
    Temper("part time", 50, 60, 10, week=(1.4, 1.2, 1.0, 0.1, 0.1, 0.05, 0.05), vacations=((95, 14),)),
    Temper("seasonal", 50, 50, 20, season=summer_business, vacations=((10, 14),)),
    Temper("newsletters", 10, 20, 5, newsletters=35, first=6_000),
    Temper("newcomer", 40, 50, 8, starts=120, first=0, grows=0.002),
    Temper("moved here", 45, 50, 8, starts=60, first=9_000),
    Temper("long vacations", 80, 110, 25, vacations=((60, 14), (180, 28), (340, 14))),
    Temper("accounts", 60, 70, 20, monthly=3.0, season=closed_at_year_end),
    Temper("tidy", 30, 60, 28, first=900, spread=0.4),
    Temper("shared", 300, 500, 120, first=80_000, week=(1.3, 1.0, 1.0, 1.0, 1.0, 0.4, 0.3), spread=0.3),
    Temper("always on", 90, 20, 85, first=3_000, week=(1.0,) * 7, spread=0.15),
    Temper("deletes by the week", 30, 40, 3, tidies=0.15, first=2_500),
)


@dataclass(frozen=True)
class Schedule:
    """When backups run, and how often one does not come through (whole days) or is not complete."""

    hours: tuple[int, ...] = (2,)
    away: float = 0.01
    partial: float = 0.02


NIGHTLY, THRICE = Schedule(), Schedule((4, 12, 20))
_SHARE = {4: 0.05, 12: 0.5, 20: 0.45}


def year(temper: Temper, random: Random, schedule: Schedule = NIGHTLY, days: int = 365) -> Iterator[Reading]:
    """Yield the readings of a calm year."""
    life = _Life(temper, random)
    number, good_at, carried = 0, None, Reading(0, datetime.min.replace(tzinfo=UTC))
    away_until = -1
    for day in range(temper.starts, days):
        parts = life.day(day, len(schedule.hours))
        if random.random() < schedule.away:
            away_until = day + random.randint(1, 5)
        for hour, part in zip(schedule.hours, parts, strict=True):
            carried = _together(carried, part)
            if day < away_until:
                continue
            number += 1
            moment = datetime.combine(START + timedelta(days=day), datetime.min.time(), UTC)
            at = moment + timedelta(hours=hour, minutes=random.randint(0, 25))
            good = random.random() >= schedule.partial or number == 1
            reading = replace(carried, number=number, at=at, before=good_at, good=good)
            if number == 1:
                reading = replace(reading, added=reading.items, left_out="first")
            yield reading
            carried = Reading(0, at)
            if good:
                good_at = at


def _together(before: Reading, part: Reading) -> Reading:
    return replace(
        part,
        added=before.added + part.added,
        changed=before.changed + part.changed,
        rewritten=before.rewritten + part.rewritten,
        refiled=before.refiled + part.refiled,
        removed=before.removed + part.removed,
        came=before.came + part.came,
    )


class _Life:
    """What happens in one mailbox, day by day."""

    def __init__(self, temper: Temper, random: Random) -> None:
        self._temper, self._random = temper, random
        self._items, self._size = temper.first, temper.first * MAIL_BYTES
        self._unread, self._later, self._recent = 0.0, list[float](), list[int]()

    def day(self, day: int, parts: int) -> list[Reading]:
        """Return what the day brings, in as many parts as there are backups."""
        temper, random = self._temper, self._random
        there = not any(first <= day % 365 < first + length for first, length in temper.vacations)
        weekday = (START + timedelta(days=day)).weekday()
        busy = temper.week[weekday] * temper.season(day) * (1 + temper.grows) ** (day - temper.starts)
        month_day = (START + timedelta(days=day)).day
        busy *= temper.monthly if month_day <= 3 else 1.0
        letters = self._some(temper.newsletters)
        added = self._some(temper.added * busy * (1.0 if there else 0.6)) + letters
        self._unread += added if not there else 0
        changed = self._some(temper.changed * busy) if there else 0
        removed = self._some(temper.removed * busy) if there else 0
        if there and self._unread and weekday < 5:  # somebody is back and goes through what came
            done = self._unread * random.uniform(0.3, 0.6)
            changed, removed = changed + round(done), removed + round(done * 0.2)
            self._unread -= done if self._unread > 20 else self._unread
        self._later.append(letters)
        if len(self._later) > 14:
            removed += round(self._later.pop(0))
        self._recent = [*self._recent[-13:], added]
        if there and weekday < 5 and random.random() < temper.tidies:
            removed += round(sum(self._recent) * 0.4)
            self._recent = []
        shares = [1.0] if parts == 1 else list(_SHARE.values())
        return [self._part(added, changed, removed, share) for share in shares]

    def _some(self, mean: float) -> int:
        """An amount around a mean: uneven days on top of chance."""
        if mean <= 0:
            return 0
        sigma = self._temper.spread
        uneven = mean * math.exp(self._random.gauss(-sigma * sigma / 2, sigma))
        return max(round(self._random.gauss(uneven, math.sqrt(uneven))), 0) if uneven > 8 else self._few(uneven)

    def _few(self, mean: float) -> int:
        limit, count, product = math.exp(-mean), 0, self._random.random()
        while product > limit:
            count, product = count + 1, product * self._random.random()
        return count

    def _part(self, added: int, changed: int, removed: int, share: float) -> Reading:
        random = self._random
        added, changed = round(added * share), round(changed * share)
        removed = min(round(removed * share), self._items)
        self._items += added - removed
        came = sum(round(MAIL_BYTES * random.lognormvariate(-0.5, 1.0)) for _ in range(min(added, 20)))
        came = round(came * max(added / 20, 1.0))
        self._size = max(self._size + came - removed * MAIL_BYTES, 0)
        return Reading(
            0,
            datetime.min.replace(tzinfo=UTC),
            added=added,
            changed=min(changed, self._items),
            rewritten=round(changed * 0.02),
            refiled=round(changed * 0.3),
            removed=removed,
            items=self._items,
            size=self._size,
            came=came,
            opaque=random.uniform(0.3, 0.9) if added > 3 else None,
            turned=1 if random.random() < 0.02 else 0,
        )
