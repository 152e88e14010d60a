"""Bars of items per day as numbers for an SVG of fixed size; words and colours are the template's."""

from dataclasses import dataclass

from apps.connectors.enums import SubService

from .history import Day

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 220, 48, 24, 24
RIGHT = 12
WIDEST = 40
KINDS = list(enumerate(SubService, 1))
FLOOR = HEIGHT - BOTTOM
ROOM = FLOOR - TOP


@dataclass(frozen=True, slots=True)
class Segment:
    """New and changed items of one sub-service in a bar; `css` is its colour."""

    css: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: a segment for each sub-service that brought something, `numbers` for all that are shown."""

    day: Day
    x: float
    width: float
    segments: list[Segment]
    middle: float
    top: float
    left_of: float
    numbers: list[int]

    @property
    def mark_y(self) -> float:
        """Centre of the mark above the bar."""
        return round(self.top - 9, 1)

    @property
    def mark_top(self) -> float:
        return round(self.mark_y - 6, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """`lines` are (y, label) of the scale; `labels` are the bars whose day is written below.

    `kinds` are (colour, name) of the sub-services that any day shows; `step` is the room of one day.
    """

    width: int
    height: int
    left: int
    floor: int
    label_y: int
    bars: list[Bar]
    labels: list[Bar]
    lines: list[tuple[float, str]]
    kinds: list[tuple[str, str]]
    step: float
    sentence: str


def chart_of(days: list[Day]) -> Chart:
    """Lay out the days; the scale ends on a round number."""
    top = _round_up(max((day.total for day in days), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    shown = [kind for kind in SubService if any(kind in day.parts for day in days)]
    bars = [_bar(day, LEFT + place * step, step, ROOM / top, shown) for place, day in enumerate(days)]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        floor=FLOOR,
        label_y=HEIGHT - 7,
        bars=bars,
        labels=bars[:: -max(len(bars) // 6, 1)],
        lines=[(round(FLOOR - ROOM * part / 2, 1), f"{top * part // 2:,}") for part in (0, 1, 2)],
        kinds=[(f"k{place}", kind.label) for place, kind in KINDS if kind in shown],
        step=round(step, 1),
        sentence=_sentence(days),
    )


def _bar(day: Day, start: float, step: float, scale: float, shown: list[SubService]) -> Bar:
    segments, top = [], float(FLOOR)
    for place, kind in KINDS:
        height = scale * sum(day.parts.get(kind, (0, 0)))
        if height:
            top -= height
            segments.append(Segment(f"k{place}", round(top, 1), round(height, 1)))
    width = min(step * 0.68, WIDEST)
    return Bar(
        day=day,
        x=round(start + (step - width) / 2, 1),
        width=round(width, 1),
        segments=segments,
        middle=round(start + step / 2, 1),
        top=round(top, 1),
        left_of=round(start, 1),
        numbers=[sum(day.parts.get(kind, (0, 0))) for kind in shown],
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
