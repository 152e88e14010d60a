"""All rhythms of one task or policy together, as JSON and back."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.core.errors import InvalidRequest

from .rule import Every, Rule

# How much later than its start a backup may be before green has run out: a queue, a long run, one retry.
TOLERANCE = timedelta(hours=12)
MOST_RULES = 5
SOON = timedelta(days=8)  # within it a rule of days starts, whatever the clocks do


@dataclass(frozen=True, slots=True)
class Schedule:
    """Several rules side by side. Without any, nothing starts by itself."""

    rules: tuple[Rule, ...] = ()

    def next_start(self, after: datetime, *, first: bool = False) -> datetime | None:
        """Return the next start of any rule; however many were missed before, it is one.

        What is `first` lends the hour of a month only where no rule of days starts soon: else a
        backup that was stopped at eight would go on at the noon that somebody chose for the 31st.
        """
        of_days = (rule.next_start(after) for rule in self.rules if rule.is_of_days)
        soon = any(start - after <= SOON for start in of_days)
        return min((rule.next_start(after, first=first and not soon) for rule in self.rules), default=None)

    def good_until(self, last_good: datetime) -> datetime | None:
        """Return the moment from which a backup of `last_good` is overdue; None where nothing is awaited."""
        following = self.next_start(last_good)
        return None if following is None else following + TOLERANCE

    def is_open(self, moment: datetime) -> bool:
        """Tell whether a backup may begin now by itself: the last start decides, and its stop has not come."""
        return not self.rules or self._window(moment) is not None

    def stop_at(self, moment: datetime) -> datetime | None:
        """Return when a backup that begins now is stopped, or None: it may take as long as it takes."""
        window = self._window(moment)
        return window[1] if window else None

    def last_start(self, moment: datetime) -> datetime | None:
        """Return the start that a backup at `moment` belongs to."""
        return max((start for start, _ in self._last(moment)), default=None)

    @property
    def is_daily(self) -> bool:
        """Tell whether something starts on every single day."""
        return any(rule.is_daily for rule in self.rules)

    def _window(self, moment: datetime) -> tuple[datetime, datetime | None] | None:
        last = self._last(moment)
        if not last:
            return None
        newest = max(start for start, _ in last)
        stops = [rule.stop_after(start) for start, rule in last if start == newest]
        stop = None if None in stops else max(filter(None, stops))
        return None if stop is not None and stop <= moment else (newest, stop)

    def _last(self, moment: datetime) -> list[tuple[datetime, Rule]]:
        """Return the last start of each rule; beside one of days, that of a month only where it really was."""
        of_days = any(rule.is_of_days and rule.last_start(moment) for rule in self.rules)
        starts = ((rule.last_start(moment, on_its_days=of_days), rule) for rule in self.rules)
        return [(start, rule) for start, rule in starts if start is not None]

    def to_json(self) -> dict[str, Any]:
        return {"rules": [_said(rule) for rule in self.rules]}

    @classmethod
    def from_json(cls, said: Any) -> "Schedule":
        """Read what `to_json` wrote; None means the usual one. Raises InvalidRequest."""
        if said is None:
            return DEFAULT
        try:
            return cls(tuple(_rule(each) for each in said["rules"]))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise InvalidRequest(
                "This schedule cannot be read.", do="Set it anew on the task's page."
            ) from error


DEFAULT = Schedule((Rule(),))


def _said(rule: Rule) -> dict[str, Any]:
    said: dict[str, Any] = {"every": rule.every.value, "at": f"{rule.at:%H:%M}", "zone": rule.zone}
    if rule.until is not None:
        said["until"] = f"{rule.until:%H:%M}"
    if rule.weekdays:
        said["weekdays"] = sorted(rule.weekdays)
    if rule.every == Every.HOURS:
        said["hours"] = rule.hours
    if rule.every in {Every.MONTHLY, Every.YEARLY}:
        said["day"] = rule.day
    if rule.every == Every.YEARLY:
        said["month"] = rule.month
    if rule.first_day is not None:
        said["first_day"] = rule.first_day.isoformat()
    return said


def _rule(said: dict[str, Any]) -> Rule:
    ZoneInfo(said["zone"])
    rule = Rule(
        every=Every(said["every"]),
        at=time.fromisoformat(said["at"]),
        zone=said["zone"],
        until=time.fromisoformat(said["until"]) if said.get("until") else None,
        weekdays=frozenset(int(day) for day in said.get("weekdays", ())),
        hours=int(said.get("hours", 4)),
        day=int(said.get("day", 1)),
        month=int(said.get("month", 1)),
        first_day=date.fromisoformat(said["first_day"]) if said.get("first_day") else None,
    )
    if not (
        1 <= rule.hours <= 23
        and 1 <= rule.day <= 31
        and 1 <= rule.month <= 12
        and rule.weekdays <= set(range(7))
    ):
        raise ValueError("out of range")
    return rule
