"""Which backups of a history go, which stay, and why. Pure: no clock and no database of its own.

1. Order is the number that the server gave. A backup whose date cannot be right (in the future, or against that
   order) stays and counts for nothing: it can neither push one out nor make one look old.
2. A *good* one is not empty and not much smaller than the good one before it.
3. A backup stays when the rule keeps it among all, or among the good ones alone. So one that is not good pushes
   none out that is, and what was new in it stays as long as anything else.
4. The newest stays, and so do the newest three good ones, whatever the rule says.
5. A good one stays when one that stays would be judged otherwise without it: what goes may change no judgement,
   or the next look would let go more.
6. One goes only when each time zone that the account had since it was taken lets it go: another zone ends days
   elsewhere, and may never thin out what was kept.

Age counts from the newest backup, not from today: while nothing new is backed up, nothing goes.
"""

import calendar
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from .rules import KEEP_GOOD, Keep, KeepAll, KeepFor, KeepSteps, Unit

SMALLER: Final = 0.5  # less than this part of the items or bytes of the good one before is much smaller
_GOOD: Final = ("success", "partial")


@dataclass(frozen=True, slots=True)
class Past:
    """What the decision needs to know of one snapshot."""

    number: int
    taken_at: datetime
    verdict: str
    items: int
    size: int


class Why(StrEnum):
    """Why one stays or goes, the strongest reason of those that hold."""

    NEWEST = "newest"
    HELD = "held"
    RULE = "rule"
    GOOD = "good"
    MEASURE = "measure"
    DATE = "date"
    GOES = "goes"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS: Final = {
    Why.NEWEST: "It is the newest.",
    Why.HELD: "It is on legal hold.",
    Why.RULE: "The rule keeps it.",
    Why.GOOD: f"It is one of the newest {KEEP_GOOD} good ones, which always stay.",
    Why.MEASURE: "A later one that stays is good, or not, measured by it.",
    Why.DATE: "Its date cannot be right, so it is left alone.",
    Why.GOES: "No part of the rule keeps it.",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one snapshot."""

    past: Past
    why: Why

    @property
    def stays(self) -> bool:
        return self.why is not Why.GOES


def decide(
    history: Iterable[Past],
    keep: Keep,
    *,
    now: datetime,
    zone: tzinfo,
    left: Iterable[tuple[datetime, tzinfo]] = (),
    held: bool = False,
    ripe: Collection[int] | None = None,
) -> list[Fate]:
    """Decide over all snapshots of one kind of data of one entity; answers come in the order of numbers.

    `left`: zones that were in force before, and until when. `ripe`: only these can go now, so that what the
    others are measured by stays; None: all of them can.
    """
    past = sorted(history, key=lambda each: each.number)
    dated = _rightly_dated(past, now)
    good = _good(dated)
    floor = {each.number for each in good[-KEEP_GOOD:]}

    def kept_in(zone: tzinfo) -> set[int]:
        return _kept(dated, keep, zone) | _kept(good, keep, zone)

    kept = kept_in(zone)
    for until, earlier in left:
        if of_then := {each.number for each in dated if each.taken_at <= until}:
            kept |= of_then & kept_in(earlier)
    counted = {each.number for each in dated}
    cannot_go = set() if ripe is None else counted.difference(ripe)
    measures = _measures(dated, good, kept | floor | cannot_go | {each.number for each in past[-1:]})

    def why(each: Past) -> Why:
        if held:
            return Why.HELD
        if each is past[-1]:
            return Why.NEWEST
        if each.number not in counted:
            return Why.DATE
        if each.number in kept:
            return Why.RULE
        if each.number in floor:
            return Why.GOOD
        return Why.MEASURE if each.number in measures else Why.GOES

    return [Fate(each, why(each)) for each in past]


def _rightly_dated(past: Sequence[Past], now: datetime) -> list[Past]:
    """Leave out the future, and every two of which the later number has the earlier date."""
    known = [each for each in past if each.taken_at <= now]
    right, latest = [], None
    earliest_after: list[datetime | None] = [None] * len(known)
    for at in range(len(known) - 2, -1, -1):
        following = earliest_after[at + 1]
        moment = known[at + 1].taken_at
        earliest_after[at] = moment if following is None else min(moment, following)
    for each, earliest in zip(known, earliest_after, strict=True):
        if (latest is None or each.taken_at >= latest) and (earliest is None or each.taken_at <= earliest):
            right.append(each)
        latest = each.taken_at if latest is None else max(latest, each.taken_at)
    return right


def _good(dated: Sequence[Past]) -> list[Past]:
    good: list[Past] = []
    for each in dated:
        if _is_good(each, good[-1] if good else None):
            good.append(each)
    return good


def _is_good(each: Past, before: Past | None) -> bool:
    """Judge one by the good one before it."""
    if each.verdict not in _GOOD:
        return False
    return before is None or (each.items >= before.items * SMALLER and each.size >= before.size * SMALLER)


def _measures(dated: Sequence[Past], good: Sequence[Past], stays: Collection[int]) -> set[int]:
    """Return the good ones without which one that stays would be judged otherwise, by what is left before it.

    What is added has to be good by what is left, too: so those before it are added as far back as that takes.
    """
    numbers, measures = {each.number for each in good}, set[int]()
    passed, left = 0, None  # how many good ones came before, and the last of them that stays
    for each in dated:
        is_good = each.number in numbers
        if each.number in stays:
            if _is_good(each, left) != is_good:
                for step in reversed(good[:passed]):
                    measures.add(step.number)
                    if _is_good(step, left):
                        break
                left = good[passed - 1]
            if is_good:
                left = each
        passed += is_good
    return measures


def _kept(past: Sequence[Past], keep: Keep, zone: tzinfo) -> set[int]:
    if not past:
        return set()
    match keep:
        case KeepAll():
            return {each.number for each in past}
        case KeepFor():
            limit = _earlier(past[-1].taken_at, keep, zone)
            return {each.number for each in past if each.taken_at >= limit}
        case KeepSteps():
            return _steps(past, keep, zone)


def _earlier(moment: datetime, keep: KeepFor, zone: tzinfo) -> datetime:
    """Go back by the calendar of the account; the 31st of a month that has none is its last day."""
    if keep.unit is Unit.DAYS:
        return moment - timedelta(days=keep.count)
    local = moment.astimezone(zone)
    months = keep.count * (12 if keep.unit is Unit.YEARS else 1)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    if year < 1:
        return datetime.min.replace(tzinfo=moment.tzinfo)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def _steps(past: Sequence[Past], keep: KeepSteps, zone: tzinfo) -> set[int]:
    kept = {each.number for each in past[-keep.latest :]} if keep.latest else set()
    local = [(each.number, each.taken_at.astimezone(zone)) for each in reversed(past)]
    for count, key in (
        (keep.daily, "%Y-%m-%d"),
        (keep.weekly, "%G-%V"),
        (keep.monthly, "%Y-%m"),
        (keep.yearly, "%Y"),
    ):
        seen: set[str] = set()
        for number, moment in local:
            period = moment.strftime(key)
            if period in seen:
                continue
            if len(seen) == count:
                break
            seen.add(period)
            kept.add(number)
    return kept
