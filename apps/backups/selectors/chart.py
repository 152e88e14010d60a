"""Bars of items per day as numbers for an SVG of fixed size; words and colours are the template's."""

from dataclasses import dataclass

from .history import Day

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 220, 48, 24, 24
RIGHT = 12
LABEL_EVERY = 5
FLOOR = HEIGHT - BOTTOM
ROOM = FLOOR - TOP


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: a bar of new items with a bar of changed ones on it."""

    day: Day
    x: float
    width: float
    added_y: float
    added_height: float
    changed_y: float
    changed_height: float
    middle: float

    @property
    def mark_y(self) -> float:
        """Centre of the mark above the bar."""
        return round(self.changed_y - 9, 1)

    @property
    def mark_top(self) -> float:
        return round(self.mark_y - 6, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """`lines` are (y, label) of the scale; `labels` are the bars whose day is written below."""

    width: int
    height: int
    left: int
    floor: int
    label_y: int
    bars: list[Bar]
    labels: list[Bar]
    lines: list[tuple[float, str]]
    sentence: str


def chart_of(days: list[Day]) -> Chart:
    """Lay out the days; the scale ends on a round number."""
    top = _round_up(max((day.total for day in days), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    bars = [_bar(day, LEFT + index * step, step, ROOM / top) for index, day in enumerate(days)]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        floor=FLOOR,
        label_y=HEIGHT - 7,
        bars=bars,
        labels=bars[::-LABEL_EVERY],
        lines=[(round(FLOOR - ROOM * part / 2, 1), f"{top * part // 2:,}") for part in (0, 1, 2)],
        sentence=_sentence(days),
    )


def _bar(day: Day, start: float, step: float, scale: float) -> Bar:
    added, changed = scale * day.added, scale * day.changed
    width = step * 0.68
    return Bar(
        day=day,
        x=round(start + (step - width) / 2, 1),
        width=round(width, 1),
        added_y=round(FLOOR - added, 1),
        added_height=round(added, 1),
        changed_y=round(FLOOR - added - changed, 1),
        changed_height=round(changed, 1),
        middle=round(start + step / 2, 1),
    )


def _round_up(number: int) -> int:
    """3 → 4, 37 → 38, 299 → 300: even, two figures that count at most, never nothing."""
    if number <= 4:
        return 4
    step = 2 * 10 ** max(len(str(number)) - 2, 0)
    return int(-(-number // step) * step)


def _sentence(days: list[Day]) -> str:
    """The chart in words."""
    if not days:
        return "No days to show."
    total = sum(day.total for day in days)
    words = [
        f"Items backed up per day from {_day(days[0])} to {_day(days[-1])}: {total:,} new and changed items."
    ]
    for verdict, label in (("failed", "Failed"), ("partial", "Partial")):
        marked = [_day(day) for day in days if day.mark == verdict]
        if marked:
            words.append(f"{label} on {', '.join(marked)}.")
    return " ".join([*words, "The same figures are in the table below."])


def _day(day: Day) -> str:
    return f"{day.date.day} {day.date:%b}"
