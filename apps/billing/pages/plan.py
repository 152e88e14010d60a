"""How the plan of an account stands, and what choosing one would mean."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings

from apps.core import clock
from apps.core.scope import current_account_id

from ..enums import Interval, SubscriptionState
from ..models import Subscription
from ..money import shown
from ..rules import PAYABLE
from ..services.plans import FREE, RUNNING, ends_if_cancelled, first_day
from .forecasts import Forecast, forecast_for
from .invoices import InvoiceRow, unpaid
from .online import cards_possible, ways_words
from .trouble import trouble_now


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan as it stands, in the words of the pages."""

    plan: Subscription
    open_invoices: tuple[InvoiceRow, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether a plan can be chosen."""
        return self.plan.state in FREE

    @property
    def is_requested(self) -> bool:
        """Whether it waits for support."""
        return self.plan.state == SubscriptionState.REQUESTED

    @property
    def contact(self) -> str:
        """Whom support writes to."""
        return self.plan.contact_email

    @property
    def interval_words(self) -> str:
        """Monthly or annual."""
        return "None" if self.is_none else self.plan.get_interval_display()

    @property
    def state_words(self) -> str:
        """What is not as usual about it."""
        if self.plan.state == SubscriptionState.ACTIVE:
            return "cancelled" if self.plan.cancel_at_end else ""
        return "" if self.is_none else self.plan.get_state_display().lower()

    @property
    def payment_words(self) -> str:
        """What is open, in each currency; else that nothing is."""
        sums: dict[str, int] = {}
        for row in self.open_invoices:
            currency = row.invoice.currency
            sums[currency] = sums.get(currency, 0) + row.open_minor
        if sums:
            return ", ".join(shown(total, currency) for currency, total in sums.items())
        return "Paid" if self._is_billed else "Nothing due yet"

    @property
    def payment_note(self) -> str:
        """Due or overdue."""
        if not self.open_invoices:
            return ""
        return "overdue" if any(row.is_overdue for row in self.open_invoices) else "due"

    @property
    def next_label(self) -> str:
        """What happens on the next day that matters."""
        if self.plan.cancel_at_end:
            return "Ends on"
        if self.plan.interval != Interval.YEAR:
            return "Next payment"
        return "Next renewal" if self._is_billed else "Starts on"

    @property
    def next_on(self) -> date | None:
        """That day; before the first payment it is the first one."""
        if self.is_requested:
            return self.plan.wanted_start
        if self.plan.cancel_at_end:
            return self.ends_on
        # Of a first year that is billed ahead the period is still empty: it renews when that year is over.
        is_ahead = self._is_billed and self.plan.period_start == self.plan.period_end
        return (self.ends_on if is_ahead else self.plan.period_end) if self.plan.state in RUNNING else None

    @property
    def _is_billed(self) -> bool:
        """Whether a first period stands on an invoice: until then there is nothing to renew."""
        plan = self.plan
        return bool(plan.invoiced_to and plan.started_on and plan.invoiced_to > plan.started_on)

    @property
    def ends_on(self) -> date | None:
        """The first day that nothing is paid for."""
        return self.plan.invoiced_to

    @property
    def would_end_on(self) -> date | None:
        """The same, were it cancelled now; None when that is today."""
        today = clock.now().date()
        ends = ends_if_cancelled(self.plan, today)
        return ends if ends > today else None

    @property
    def may_cancel(self) -> bool:
        """Whether there is something to end."""
        return self.plan.state in RUNNING and not self.plan.cancel_at_end

    @property
    def may_keep(self) -> bool:
        """Whether a cancellation can still be taken back."""
        return self.plan.state in RUNNING and self.plan.cancel_at_end


def plan_now() -> PlanView:
    """The plan of the account in force. Looking at a page stores none."""
    plan = Subscription.objects.select_related("price_list").first()
    plan = plan or Subscription(account_id=current_account_id(), currency=settings.BILLING_CURRENCY)
    return PlanView(plan, tuple(unpaid()))


def status_context() -> dict[str, Any]:
    """The status page."""
    view = plan_now()
    forecast = forecast_for(view.plan, view.plan.interval)
    overdue = any(row.is_overdue for row in view.open_invoices)
    monthly = view.plan.interval == Interval.MONTH
    return {
        "plan": view,
        "trouble": trouble_now(),
        "forecast": forecast,
        "forecast_title": "Forecast for the next payment",
        "unpaid": view.open_invoices,
        "unpaid_title": "Unpaid bills" if monthly else "Overdue invoices" if overdue else "Due invoices",
        "when": first_payment_words(forecast),
    }


def review_context(wanted: str) -> dict[str, Any]:
    """The first page: the choice, or the plan there is."""
    view = plan_now()
    if not view.is_none:
        forecast = forecast_for(view.plan, view.plan.interval)
        return {"plan": view, "forecast": forecast, "forecast_title": "Forecast for the next payment"}
    interval = wanted if wanted in Interval.values else Interval.MONTH
    choices = [_choice(view.plan, each, each == interval) for each in Interval]
    chosen = next(choice for choice in choices if choice["is_chosen"])
    return {
        "plan": view,
        "plans": choices,
        "chosen": chosen,
        "forecast": chosen["forecast"],
        "forecast_title": f"What {chosen['period']} comes to",
        "when": first_payment_words(chosen["forecast"]),
    }


def _choice(plan: Subscription, interval: Interval, is_chosen: bool) -> dict[str, Any]:
    monthly = interval == Interval.MONTH
    period, by_card = "a month" if monthly else "a year", "By card, on the same day of each month."
    by_hand = f"payable within {PAYABLE[interval].days} days, by {ways_words(plan.currency)}."
    is_charged = monthly and plan.auto_pay and cards_possible(plan.currency)
    return {
        "interval": interval.value,
        "title": "Monthly" if monthly else "Annual",
        "period": period,
        "words": f"{by_card} A receipt follows by mail." if is_charged else f"One invoice {period}, {by_hand}",
        "forecast": forecast_for(plan, interval),
        "is_chosen": is_chosen,
    }


def first_payment_words(forecast: Forecast) -> str:
    """When the first payment is, and how much as it stands."""
    amount = f"{shown(forecast.total_minor, forecast.currency)} {forecast.with_tax}"
    today = clock.now().date()
    first = first_day(today)
    yearly = forecast.interval == Interval.YEAR
    free = f"Your trial runs until {first:%-d %B %Y}, and nothing is charged for it. " if first > today else ""
    when = "today" if first == today else f"on {first:%-d %B %Y}"
    if not forecast.rows:
        what = "What a year comes to" if yearly else f"The first payment is {when}. What it comes to"
        return f"{free}{what} is not known before something is counted; that happens every night."
    what = "As counted today, a year comes to" if yearly else f"The first payment is {when}: as counted today,"
    return f"{free}{what} {amount}. It follows what is backed up then."
