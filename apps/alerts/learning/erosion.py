"""Items that leave bit by bit, each backup for itself as usual: sums over a week and a month.

A week is compared with weeks that ended a fortnight ago or earlier, so that who goes faster every day is not
taken for usual a day later. What was told as a mass deletion is not told again as part of a week or month.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from .findings import Finding, Kind, Weight
from .ranges import usual
from .readings import History, Metric, Reading, marks_of

WEEK: Final = timedelta(days=7)
LAG: Final = timedelta(days=14)
BASE: Final = timedelta(days=60)
LEAST_BASE: Final = timedelta(days=21)
TWICE: Final = 2.0
WEEK_LEAST, WEEK_SHARE, WEEK_MOST = 120, 0.03, 1_000
MONTH: Final = timedelta(days=30)
MONTH_SHARE: Final = 0.2
NET_LEAST: Final = 120
LONG: Final = timedelta(days=60)
LONG_SHARE: Final = 1 / 3


def erosion(history: History, reading: Reading) -> Iterator[Finding]:
    """Yield at most one finding: about the last week, the last month, or all that is known."""
    found = _week(history, reading) or _month(history, reading) or _long(history, reading)
    if found is not None:
        yield found


def _week(history: History, reading: Reading) -> Finding | None:
    if not reading.removed:
        return None
    lately = history.since(reading.at - WEEK)
    value = reading.removed + sum(_not_told(each) for each in lately)
    whole = max([reading.items_before, *(each.items for each in lately)])
    floor = max(WEEK_LEAST, min(whole * WEEK_SHARE, WEEK_MOST))
    if value <= floor:
        return None
    base = [
        each
        for each in history.readings
        if LAG <= reading.at - each.at <= LAG + BASE and not each.left_out
        and (each.accepted or marks_of(Metric.REMOVED).isdisjoint(each.odd))
    ]  # fmt: skip
    if not base or base[-1].at - base[0].at < LEAST_BASE:
        return None
    sums = _sums(base)
    known = usual(history, Metric.REMOVED, reading)
    at_once = known.limit if known else 0.0  # one day's work, made up for after a holiday, is no erosion
    if value <= max(floor, TWICE * max(sums)) * history.scale + at_once:
        return None
    weight = Weight.CRITICAL if value >= whole / 4 else Weight.WARNING
    first = lately[0].number - 1 if lately else reading.number - 1
    more = {"items": reading.items, "before": whole, "from": first}
    return Finding(
        Kind.EROSION, Metric.REMOVED, weight, value, round(min(sums)), round(max(sums)), len(base), 7, more
    )


def _sums(readings: Sequence[Reading]) -> list[int]:
    """Return what each full week within these sums up to, by a window that moves from reading to reading."""
    found, start, total = [], 0, 0
    for each in readings:
        total += each.removed
        while each.at - readings[start].at >= WEEK:
            total -= readings[start].removed
            start += 1
        if each.at - readings[0].at >= WEEK - timedelta(days=1):
            found.append(total)
    return found or [total]


def _month(history: History, reading: Reading) -> Finding | None:
    """A fifth of all items is gone within a month, net of what came; one that went so before is usual."""
    last = [*history.readings, reading]
    if reading.at - last[0].at < MONTH or not reading.removed:
        return None
    lately = history.since(reading.at - MONTH)
    if not _is_less(lately, reading, MONTH_SHARE):
        return None
    most = max(lately, key=_items)
    lost = _lost(history, reading, most)
    if lost < max(NET_LEAST, most.items * MONTH_SHARE):
        return None
    if any(each.left_out for each in last if most.at < each.at <= reading.at):
        return None
    before = _most_lost([each for each in last if reading.at - each.at > MONTH])
    if lost <= before * TWICE:
        return None
    return _net(history, reading, most, before)


def _long(history: History, reading: Reading) -> Finding | None:
    """A third of all items is gone, net of what came, however slowly it went."""
    if not history or not reading.removed or reading.at - history.readings[0].at < LONG:
        return None
    if not _is_less(history.readings, reading, LONG_SHARE):
        return None
    most = max(history.readings, key=_items)
    if _lost(history, reading, most) < max(NET_LEAST, most.items * LONG_SHARE):
        return None
    if any(each.left_out for each in history.readings if most.at < each.at):
        return None
    return _net(history, reading, most, 0)


def _net(history: History, reading: Reading, most: Reading, before: int) -> Finding:
    more = {"items": reading.items, "before": most.items, "from": most.number}
    return Finding(
        Kind.EROSION, Metric.REMOVED, Weight.CRITICAL, _lost(history, reading, most), 0, before,
        len(history.readings), max((reading.at - most.at).days, 1), more,
    )  # fmt: skip


def _not_told(each: Reading) -> int:
    return 0 if Metric.REMOVED in each.odd else each.removed


def _lost(history: History, reading: Reading, most: Reading) -> int:
    told = sum(each.removed - _not_told(each) for each in history.since(most.at))
    return most.items - reading.items - told


def _is_less(readings: Sequence[Reading], reading: Reading, share: float) -> bool:
    most = max([each.items for each in readings], default=0)
    return most - reading.items >= max(NET_LEAST, most * share)


def _items(reading: Reading) -> int:
    return reading.items


def _most_lost(readings: Sequence[Reading]) -> int:
    """Return how many items the mailbox had lost at most, within any month before."""
    most, start = 0, 0
    for place, each in enumerate(readings):
        while each.at - readings[start].at > MONTH:
            start += 1
        most = max(most, max(one.items for one in readings[start : place + 1]) - each.items)
    return most
