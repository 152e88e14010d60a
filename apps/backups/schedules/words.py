"""Schedules as sentences."""

import calendar

from .rule import Every, Rule
from .schedule import Schedule

ON_DEMAND = "Only when somebody asks for it"
_OFTEN = {
    Every.THREE_PER_DAY: "3 times a day from",
    Every.DAILY: "Daily at",
    Every.EVERY_3_DAYS: "Every 3 days at",
    Every.WEEKLY: "Weekly at",
}


def schedule_words(schedule: Schedule) -> str:
    """ "Daily at 05:00 Europe/Berlin, stopped at 08:00"."""
    return "; ".join(rule_words(rule) for rule in schedule.rules) or ON_DEMAND


def rule_words(rule: Rule) -> str:
    """Say one rule."""
    words = f"{_rhythm(rule)} {rule.at:%H:%M} {rule.zone}"
    if rule.until is not None:
        words += f", {'until' if rule.every == Every.HOURS else 'stopped at'} {rule.until:%H:%M}"
    if rule.first_day is not None:
        words += f", from {rule.first_day.day} {rule.first_day:%b %Y} on"
    return words


def _rhythm(rule: Rule) -> str:
    if rule.every == Every.MONTHLY:
        return f"On day {rule.day} of each month at"
    if rule.every == Every.YEARLY:
        return f"Each year on {rule.day} {calendar.month_name[rule.month]} at"
    days = _days(rule)
    if rule.every == Every.HOURS:
        step = "hour" if rule.hours == 1 else f"{rule.hours} hours"
        return f"Every {step}{f' on {days}' if days else ''} from"
    if days and rule.every in {Every.DAILY, Every.WEEKLY}:
        return f"On {days} at"
    if days and rule.every == Every.THREE_PER_DAY:
        return f"3 times a day on {days} from"
    return _OFTEN[rule.every]


def _days(rule: Rule) -> str:
    if len(rule.weekdays) in {0, 7}:
        return ""
    names = [calendar.day_abbr[day] for day in sorted(rule.weekdays)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
