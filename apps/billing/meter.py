"""What a charge rests on: the highest count of the last seven days, and why something is in it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from .models import MeterDay, Price, PriceList
from .money import line_total
from .rules import WINDOW

# Why an entity is paid for, or not. Keys are stored.
WHY: Final = {
    "active": "Active",
    "waiting": "Free: not backed up yet",
    "paused": "Free: paused",
    "inactive": "Free: not active, its backups are kept",
    "archived": "Free: gone at the source, its backups are kept",
    "unlicensed": "Free: has no licence of its own (shared mailboxes, rooms)",
    "deleting": "Free: being deleted",
}


@dataclass(frozen=True, slots=True)
class Charge:
    """What one service costs for one period, and the count that it rests on."""

    service: str
    unit: str
    noun: str
    unit_price_minor: int
    day: MeterDay

    @property
    def quantity(self) -> Decimal:
        """All that was counted."""
        return self.day.quantity

    @property
    def billable(self) -> Decimal:
        """What of it is paid for."""
        return self.day.billable

    @property
    def total_minor(self) -> int:
        return line_total(self.billable, self.unit_price_minor)


def days_behind(on: date) -> dict[tuple[str, str], MeterDay]:
    """For each service and unit the day that a charge of `on` rests on.

    The highest count of the seven days up to `on`, of equal ones the newest. Where none of them was counted
    (Everkeep was off), the newest day before. A day on which there was nothing was counted: its rows are zero.
    """
    counted = MeterDay.objects.filter(day__lte=on)
    newest = counted.order_by("-day").values_list("day", flat=True).first()
    if newest is None:
        return {}
    begin = on - WINDOW
    days = counted.filter(day__gt=begin) if newest > begin else counted.filter(day=newest)
    found: dict[tuple[str, str], MeterDay] = {}
    for day in days.order_by("day"):
        kept = found.get((day.service, day.unit))
        if kept is None or day.billable >= kept.billable:
            found[day.service, day.unit] = day
    return found


def charges(price_list: PriceList, interval: str, on: date) -> list[Charge]:
    """What a period that is billed on this day costs, service by service; what has no price costs nothing."""
    days = days_behind(on)
    prices = Price.objects.filter(list=price_list, interval=interval).order_by("service", "unit")
    return [
        Charge(price.service, price.unit, price.noun, price.amount_minor, day)
        for price in prices
        if (day := days.get((price.service, price.unit))) is not None
    ]
