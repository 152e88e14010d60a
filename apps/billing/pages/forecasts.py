"""What the next payment comes to, if it were today: the same sum that an invoice of today would have."""

from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from apps.activity.registry import service_words
from apps.core import clock

from ..errors import PriceUnknown
from ..meter import Charge, charges
from ..models import BillingDetails, PriceList, Subscription
from ..money import tax_on
from ..price_lists import list_in_force
from ..taxes import Tax, tax_for
from .counted import number_words


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One service."""

    charge: Charge

    @property
    def service_words(self) -> str:
        """The service as people call it."""
        return service_words(self.charge.service)

    @property
    def quantity_words(self) -> str:
        """All that was counted."""
        return number_words(self.charge.quantity, self.charge.noun, self.charge.unit)

    @property
    def billable_words(self) -> str:
        """What is paid for."""
        return number_words(self.charge.billable, self.charge.noun, self.charge.unit)

    @property
    def unit_price_minor(self) -> int:
        """What one of it costs."""
        return self.charge.unit_price_minor

    @property
    def total_minor(self) -> int:
        """What all of it costs."""
        return self.charge.total_minor

    @property
    def why_url(self) -> str:
        """The list behind it."""
        address = reverse("billing_why", args=[self.charge.service, self.charge.unit])
        return f"{address}?day={self.charge.day.day:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The lines and their sums. Without prices it has none of either."""

    interval: str
    currency: str
    rows: tuple[ForecastRow, ...]
    tax: Tax | None  # not known before the billing details are
    net_minor: int
    tax_minor: int
    counted_on: date | None

    @property
    def total_minor(self) -> int:
        """With tax."""
        return self.net_minor + self.tax_minor

    @property
    def tax_words(self) -> str:
        """The tax line."""
        return f"Tax {self.tax.percent.normalize():f} %" if self.tax else "Tax: depends on your country"

    @property
    def with_tax(self) -> str:
        """What the total means."""
        return "with tax" if self.tax else "before tax"


def forecast_for(plan: Subscription, interval: str) -> Forecast:
    """What a period of the account in force costs as it stands today."""
    today = clock.now().date()
    prices = _prices(plan, today)
    found = charges(prices, interval, today) if prices else []
    details = BillingDetails.objects.exclude(country="").first()
    tax = tax_for(details.country, details.tax_id, today) if details else None
    net = sum(charge.total_minor for charge in found)
    return Forecast(
        interval,
        plan.currency,
        tuple(ForecastRow(charge) for charge in found),
        tax,
        net,
        tax_on(net, tax.percent) if tax else 0,
        max((charge.day.day for charge in found), default=None),
    )


def has_prices(plan: Subscription, today: date) -> bool:
    """Whether there are prices that this plan could begin with."""
    return _prices(plan, today) is not None


def _prices(plan: Subscription, today: date) -> PriceList | None:
    if plan.price_list is not None:
        return plan.price_list
    try:
        return list_in_force(plan.currency, today)
    except PriceUnknown:
        return None
