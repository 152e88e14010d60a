"""An alert's numbers beside those of the backups before: bars for an SVG of fixed size, and rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .models import Alert, Measure
from .words import METRICS, number_words

WIDTH: Final = 640
FLOOR: Final = 120
TOP: Final = 12
SHOWN: Final = 30
BARS: Final = frozenset(METRICS)
# What is shown of an alert that tells of something beside its metric; "": nothing.
_OF_SIGNS: Final = {"other_endings": "other_endings", "replaced": "removed", "renamed": ""}


@dataclass(frozen=True, slots=True)
class Bar:
    """One backup. `is_this`: the one that the alert is about."""

    x: float
    y: float
    width: float
    height: float
    words: str
    taken_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over the band of what is usual, whose top and height are given when it is known."""

    noun: str
    bars: list[Bar]
    band_y: float
    band_height: float
    sentence: str
    width: int = WIDTH
    height: int = FLOOR

    @property
    def title(self) -> str:
        return "Beside what is usual" if self.has_band else "Beside earlier backups"

    @property
    def has_band(self) -> bool:
        return self.band_height > 0


def chart_of(alert: Alert) -> Chart | None:
    """The last backups up to the alert's own; None when nothing was measured."""
    metric = next((shown for sign, shown in _OF_SIGNS.items() if sign in alert.facts), alert.metric)
    if alert.entity_id is None or alert.snapshot_number is None or metric not in BARS:
        return None
    rows = Measure.objects.filter(
        entity_id=alert.entity_id,
        sub_service=alert.sub_service,
        snapshot_number__lte=alert.snapshot_number,
    )
    last = list(rows.order_by("-snapshot_number")[:SHOWN])[::-1]
    if not last:
        return None
    values = [float(getattr(row, metric) or 0) for row in last]
    low, high = (float(alert.facts.get(name) or 0) for name in ("low", "high"))
    top = max([*values, high, 1.0])

    def y_of(value: float) -> float:
        return round(FLOOR - (FLOOR - TOP) * min(max(value, 0), top) / top, 1)

    step = WIDTH / max(len(last), 1)
    bars = [
        Bar(
            x=round(place * step + step * 0.15, 1),
            y=y_of(value),
            width=round(step * 0.7, 1),
            height=round(FLOOR - y_of(value), 1),
            words=number_words(metric, value),
            taken_at=row.taken_at,
            is_this=row.snapshot_number == alert.snapshot_number,
        )
        for place, (row, value) in enumerate(zip(last, values, strict=True))
    ]
    noun = METRICS[metric]
    usual = f"usual are {number_words(metric, low)} to {number_words(metric, high)}" if high else ""
    if not high and not alert.facts.get("learnt"):
        usual = "what is usual here is not known yet"
    said = f"{noun.capitalize()} in the last {len(last)} backups"
    return Chart(
        noun=noun,
        bars=bars,
        band_y=y_of(high),
        band_height=round(y_of(low) - y_of(high), 1) if high else 0,
        sentence=f"{said}; {usual}" if usual else said,
    )
