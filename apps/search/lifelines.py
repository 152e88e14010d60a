"""The life of an item as words and as a line: when it was first seen, its versions, when it went."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from apps.backups.selectors.lives import Lived

WIDTH = 240


@dataclass(frozen=True, slots=True)
class LifeLine:
    """`parts` are (from, to) on a line of WIDTH, `versions` where each begins, `end` where the item went.

    `first` and `now` are two sentences, the second one the news; `held` says which backups hold this version.
    """

    parts: tuple[tuple[float, float], ...]
    versions: tuple[float, ...]
    end: float | None
    first: str
    now: str
    held: str

    @property
    def words(self) -> str:
        return f"{self.first} {self.now}"


def life_line(lived: Lived) -> LifeLine:
    """Draw and say a life among the backups that there are of its kind of data."""
    whole = (lived.ends - lived.begins).total_seconds() or 1.0

    def place(moment: datetime) -> float:
        return round(WIDTH * min(max((moment - lived.begins).total_seconds() / whole, 0), 1), 1)

    stretches = lived.versions or (lived.stretch,)
    return LifeLine(
        parts=tuple((place(each.since), place(each.until)) for each in stretches),
        versions=tuple(place(each.since) for each in stretches),
        end=min(place(lived.gone[0]), WIDTH - 8) if lived.gone else None,
        first=_first(lived),
        now=_now(lived),
        held=_held(lived),
    )


def _first(lived: Lived) -> str:
    stretches = lived.versions or (lived.stretch,)
    many = f", {len(stretches):,} versions" if len(stretches) > 1 else ""
    return f"First seen {day_words(stretches[0].since)}{many}."


def _now(lived: Lived) -> str:
    if lived.gone:
        return f"Deleted between {day_words(lived.gone[0])} and {day_words(lived.gone[1])}."
    return f"Still there on {day_words(lived.ends)}."


def _held(lived: Lived) -> str:
    since, until = day_words(lived.stretch.since), day_words(lived.stretch.until)
    return f"In the backup of {since}" if since == until else f"In the backups of {since} to {until}"


def day_words(moment: datetime) -> str:
    """Say a day in the reader's zone: "14 Nov 2026"."""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y}"
