"""What the meter counted last."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.urls import reverse

from apps.activity.registry import service_words

from ..enums import Unit
from ..models import MeterDay


@dataclass(frozen=True, slots=True)
class CountedRow:
    """One service as it was counted."""

    service: str
    unit: str
    quantity: Decimal
    billable: Decimal
    day: date

    @property
    def service_words(self) -> str:
        """The service as people call it."""
        return service_words(self.service)

    @property
    def quantity_words(self) -> str:
        """All of it."""
        return in_units(self.quantity, self.unit)

    @property
    def billable_words(self) -> str:
        """What is paid for."""
        return in_units(self.billable, self.unit)

    @property
    def why_url(self) -> str:
        """The list behind it."""
        return f"{reverse('billing_why', args=[self.service, self.unit])}?day={self.day:%Y-%m-%d}"


def in_units(quantity: Decimal, unit: str) -> str:
    """ "12", "3.5 GB": as many digits as it has."""
    return f"{_number(quantity)} GB" if unit == Unit.GB else _number(quantity)


def number_words(quantity: Decimal, noun: str, unit: str) -> str:
    """ "12 mailboxes", "1 mailbox", "3.5 GB"."""
    if unit == Unit.GB:
        return in_units(quantity, unit)
    many = (
        f"{noun}es"
        if noun.endswith(("x", "s", "ch"))
        else f"{noun[:-1]}ies"
        if noun.endswith("y")
        else f"{noun}s"
    )
    return f"{_number(quantity)} {noun if quantity == 1 else many}"


def _number(quantity: Decimal) -> str:
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def counted_last() -> list[CountedRow]:
    """The newest day that was counted, service by service; nothing before the first night."""
    newest = MeterDay.objects.order_by("-day").values_list("day", flat=True).first()
    rows = MeterDay.objects.filter(day=newest).order_by("service", "unit") if newest else []
    return [CountedRow(row.service, row.unit, row.quantity, row.billable, row.day) for row in rows]
