"""Items that leave bit by bit, each backup for itself as usual: sums over a week and a month.

A week is compared with weeks that ended a fortnight ago or earlier, so that who goes faster every day is not
taken for usual a day later.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from .findings import Finding, Kind, Weight
from .ranges import usual
from .readings import History, Metric, Reading

WEEK: Final = timedelta(days=7)
LAG: Final = timedelta(days=14)
BASE: Final = timedelta(days=60)
LEAST_BASE: Final = timedelta(days=21)
TWICE: Final = 2.0
WEEK_LEAST, WEEK_SHARE, WEEK_MOST = 120, 0.03, 1_000
MONTH: Final = timedelta(days=30)
MONTH_SHARE: Final = 0.2
MONTH_LEAST: Final = 120


def erosion(history: History, reading: Reading) -> Iterator[Finding]:
    """Yield at most one finding about the last week or month."""
    found = _week(history, reading) or _month(history, reading)
    if found is not None:
        yield found


def _week(history: History, reading: Reading) -> Finding | None:
    if not reading.removed:
        return None
    lately = history.since(reading.at - WEEK)
    value = reading.removed + sum(each.removed for each in lately)
    whole = max([reading.items_before, *(each.items for each in lately)])
    floor = max(WEEK_LEAST, min(whole * WEEK_SHARE, WEEK_MOST))
    if value <= floor:
        return None
    base = [
        each
        for each in history.readings
        if LAG <= reading.at - each.at <= LAG + BASE and not each.left_out
        and (each.accepted or Metric.REMOVED not in each.odd)
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
    most = max(history.since(reading.at - MONTH), key=_items, default=reading)
    lost = most.items - reading.items
    if lost < max(MONTH_LEAST, most.items * MONTH_SHARE):
        return None
    if any(each.left_out for each in last if most.at < each.at <= reading.at):
        return None
    before = _most_lost([each for each in last if reading.at - each.at > MONTH])
    if lost <= before * TWICE:
        return None
    more = {"items": reading.items, "before": most.items, "from": most.number}
    return Finding(
        Kind.EROSION, Metric.REMOVED, Weight.CRITICAL, lost, 0, before, len(last) - 1,
        max((reading.at - most.at).days, 1), more,
    )  # fmt: skip


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
