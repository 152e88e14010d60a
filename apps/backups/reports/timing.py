"""When reports come, and which time each one covers."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ..enums import ReportRhythm
from ..models import ReportSettings
from ..schedules import Every, Rule
from ..schedules.words import rule_words

_EVERY = {
    ReportRhythm.DAILY: Every.DAILY,
    ReportRhythm.WEEKLY: Every.WEEKLY,
    ReportRhythm.MONTHLY: Every.MONTHLY,
}
PERIODS = {
    ReportRhythm.DAILY.value: timedelta(days=1),
    ReportRhythm.WEEKLY.value: timedelta(days=7),
    ReportRhythm.MONTHLY.value: timedelta(days=31),
}


def rule_of(settings: ReportSettings) -> Rule:
    """The rhythm as backups have theirs: hours of the wall, over each change of the clocks."""
    weekly = settings.every == ReportRhythm.WEEKLY
    return Rule(
        every=_EVERY[ReportRhythm(settings.every)],
        at=settings.at,
        zone=settings.zone,
        weekdays=frozenset([settings.weekday]) if weekly else frozenset(),
        day=settings.day,
    )


def next_after(settings: ReportSettings, moment: datetime) -> datetime:
    """The first report after a moment: however many were missed before it, they are one."""
    return rule_of(settings).next_start(moment)


def rhythm_words(settings: ReportSettings) -> str:
    """ "Daily at 08:00 Europe/Berlin"."""
    return rule_words(rule_of(settings))


def wall(moment: datetime, zone: str) -> datetime:
    """A moment as its readers' clocks show it: naive, since templates turn others to UTC."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
