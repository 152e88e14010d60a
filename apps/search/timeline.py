"""Results per month (per year when they reach far back) as numbers for an SVG of fixed size."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from .asked import Asked

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 960, 120, 48, 24, 10, 12
FLOOR = HEIGHT - BOTTOM
ROOM = FLOOR - TOP
WIDEST = 40
MOST_MONTHS = 48
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One month or year; `url` asks for it alone."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float
    middle: float
    url: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """`labels` are the bars whose name is written below, `lines` (y, number) of the scale."""

    bars: list[Bar]
    labels: list[Bar]
    lines: list[tuple[float, str]]
    per: str
    sentence: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    label_y: int = HEIGHT - 7


def timeline_of(months: Mapping[str, int], asked: Asked) -> Timeline | None:
    """Lay out the results; None when there is nothing to compare."""
    steps, per = _steps(months)
    if len(steps) < FEWEST:
        return None
    top = max(1, *(count for _, _, count in steps))
    step = (WIDTH - LEFT - RIGHT) / len(steps)
    width = round(min(step * 0.68, WIDEST), 1)
    bars = []
    for place, (key, label, count) in enumerate(steps):
        height = round(max(ROOM * count / top, 1.5 if count else 0), 1)
        middle = LEFT + place * step + step / 2
        url = asked.url(month=key) if per == "month" else asked.url(years=(int(key),), month="")
        bars.append(
            Bar(
                label, count, round(middle - width / 2, 1), FLOOR - height, width, height, round(middle, 1), url
            )
        )
    total = sum(bar.count for bar in bars)
    return Timeline(
        bars=bars,
        labels=bars[:: -max(-(-len(bars) // 8), 1)],
        lines=[(float(FLOOR), "0"), (float(TOP), f"{top:,}")],
        per=per,
        sentence=f"Results per {per} from {bars[0].label} to {bars[-1].label}: {total:,} in all. "
        "The same figures are in the table below.",
    )


def _steps(months: Mapping[str, int]) -> tuple[list[tuple[str, str, int]], str]:
    """Return (key, label, count) without gaps, and what a step is."""
    known = sorted(month for month, count in months.items() if count)
    if not known:
        return [], "month"
    first, last = (date.fromisoformat(f"{month}-01") for month in (known[0], known[-1]))
    if (last.year - first.year) * 12 + last.month - first.month < MOST_MONTHS:
        steps = []
        while first <= last:
            key = f"{first:%Y-%m}"
            steps.append((key, f"{first:%b %Y}", months.get(key, 0)))
            first = (first + timedelta(days=32)).replace(day=1)
        return steps, "month"
    years: dict[int, int] = {}
    for month in known:
        years[int(month[:4])] = years.get(int(month[:4]), 0) + months[month]
    # A wrong clock dates mails to 1970 or 2099: what has nothing in between is not drawn far apart.
    span = range(min(years), max(years) + 1)
    shown = [year for year in span if year in years] if len(span) > MOST_MONTHS * 2 else list(span)
    return [(str(year), str(year), years.get(year, 0)) for year in shown], "year"
