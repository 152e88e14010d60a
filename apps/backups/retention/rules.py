"""How long backups are kept: all of them, up to an age, or in steps (GFS). Pure; JSON and words.

Whether one rule keeps no less than another is decided without a look at any backup: where two rules cannot be
compared, the answer is the careful one, "it keeps less".
"""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from apps.core.errors import InvalidRequest

KEEP_GOOD: Final = 3  # so many good backups stay, whatever a rule says
LONGEST: Final = 10_000
_DAYS: Final = {"days": (1, 1), "months": (28, 31), "years": (365, 366)}


class Kind(StrEnum):
    ALL = "all"
    AGE = "age"
    STEPS = "steps"


class Unit(StrEnum):
    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


@dataclass(frozen=True, slots=True)
class KeepAll:
    """Every backup stays."""

    def words(self) -> str:
        return "Keep every backup"


@dataclass(frozen=True, slots=True)
class KeepFor:
    """Backups stay until they are so much older than the newest one."""

    count: int
    unit: Unit

    def words(self) -> str:
        return f"Keep backups for {self.span}"

    @property
    def span(self) -> str:
        return _count(self.count, str(self.unit))

    def days(self) -> tuple[int, int]:
        """Return how many days that is at least and at most."""
        low, high = _DAYS[self.unit]
        return self.count * low, self.count * high


@dataclass(frozen=True, slots=True)
class KeepSteps:
    """The last ones, and the last one of so many days, weeks, months and years that have any."""

    latest: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    def words(self) -> str:
        parts = [_count(self.latest, "last backups")] if self.latest else []
        steps = (("daily", "days"), ("weekly", "weeks"), ("monthly", "months"), ("yearly", "years"))
        parts += [
            f"one of each of {_count(getattr(self, name), unit)}" for name, unit in steps if getattr(self, name)
        ]
        return f"Keep the {_list(parts)}" if self.latest else f"Keep {_list(parts)}"


Keep = KeepAll | KeepFor | KeepSteps


@dataclass(frozen=True, slots=True)
class Rule:
    """What stays while an entity is backed up, and how long it stays once it is archived (None: for ever)."""

    keep: Keep = KeepAll()
    archived_days: int | None = None

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Read what `to_json` wrote. Raises InvalidRequest for what says no rule."""
        if not isinstance(data, dict) or data.keys() - {"keep", "archived_days"}:
            raise _nonsense()
        archived = data.get("archived_days")
        return cls(_keep_from(data.get("keep")), None if archived is None else _number(archived, least=1))

    def to_json(self) -> dict[str, Any]:
        kind = next(kind for kind, made in _KINDS.items() if isinstance(self.keep, made))
        return {"keep": {"kind": str(kind), **asdict(self.keep)}, "archived_days": self.archived_days}

    def words(self) -> str:
        """Say the rule in one sentence without a full stop."""
        if self.archived_days is None:
            return self.keep.words()
        return f"{self.keep.words()}; delete archived ones after {_count(self.archived_days, 'days')}"

    def keeps_no_less_than(self, other: "Rule") -> bool:
        """Tell whether whatever the other rule keeps stays under this one too. In doubt: no."""
        ours, theirs = self.archived_days, other.archived_days
        archived = ours is None or (theirs is not None and ours >= theirs)
        return archived and _no_less(self.keep, other.keep)


_KINDS: Final[dict[Kind, type[Keep]]] = {Kind.ALL: KeepAll, Kind.AGE: KeepFor, Kind.STEPS: KeepSteps}
EVERYTHING: Final = Rule()


def _no_less(ours: Keep, theirs: Keep) -> bool:
    match ours, theirs:
        case KeepAll(), _:
            return True
        case KeepFor(), KeepFor():
            same = ours.unit == theirs.unit
            return ours.count >= theirs.count if same else ours.days()[0] >= theirs.days()[1]
        case KeepSteps(), KeepSteps():
            return all(getattr(ours, f.name) >= getattr(theirs, f.name) for f in fields(KeepSteps))
        case _:
            return False


def _keep_from(data: Any) -> Keep:
    if not isinstance(data, dict):
        raise _nonsense()
    said = {name: value for name, value in data.items() if name != "kind"}
    match data.get("kind"):
        case Kind.ALL if not said:
            return KeepAll()
        case Kind.AGE if said.keys() == {"count", "unit"} and said["unit"] in set(Unit):
            return KeepFor(_number(said["count"], least=1), Unit(said["unit"]))
        case Kind.STEPS if not said.keys() - {f.name for f in fields(KeepSteps)}:
            steps = KeepSteps(**{name: _number(value) for name, value in said.items()})
            if steps != KeepSteps():
                return steps
    raise _nonsense()


def _number(value: Any, *, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LONGEST:
        raise _nonsense()
    return value


def _nonsense() -> InvalidRequest:
    return InvalidRequest("This is no rule for keeping backups.", do="Set it again on the retention page.")


def _count(number: int, words: str) -> str:
    return f"1 {words.removesuffix('s')}" if number == 1 else f"{number:,} {words}"


def _list(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
