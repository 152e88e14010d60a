"""When backups start and until when they may run: pure arithmetic on rules, time zones and moments."""

from .rule import Every, Rule
from .schedule import DEFAULT, TOLERANCE, Schedule

__all__ = ["DEFAULT", "TOLERANCE", "Every", "Rule", "Schedule"]
