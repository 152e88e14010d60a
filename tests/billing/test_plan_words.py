"""What the pages say of a plan before its first payment."""

from datetime import date

import pytest

from apps.accounts.models import Account
from apps.billing.enums import Interval, SubscriptionState
from apps.billing.models import Subscription
from apps.billing.pages.forecasts import Forecast
from apps.billing.pages.plan import PlanView, first_payment_words

JUNE, NEXT_JUNE = date(2026, 6, 1), date(2027, 6, 1)


def test_a_year_that_is_asked_for_starts_and_one_that_is_billed_ahead_renews_when_it_is_over() -> None:
    asked = Subscription(interval=Interval.YEAR, state=SubscriptionState.REQUESTED, wanted_start=JUNE)
    assert (PlanView(asked).next_label, PlanView(asked).next_on) == ("Starts on", JUNE)
    ahead = Subscription(
        interval=Interval.YEAR, state=SubscriptionState.ACTIVE, period_start=JUNE, period_end=JUNE
    )
    ahead.started_on = ahead.invoiced_to = JUNE
    assert (PlanView(ahead).next_label, PlanView(ahead).next_on) == ("Starts on", JUNE)
    ahead.invoiced_to = NEXT_JUNE
    assert (PlanView(ahead).next_label, PlanView(ahead).next_on) == ("Next renewal", NEXT_JUNE)


@pytest.mark.django_db
def test_no_sum_is_named_while_nothing_is_counted(account: Account) -> None:
    words = first_payment_words(Forecast("month", "EUR", (), None, 0, 0, None))
    assert "0.00" not in words
    assert "not known before something is counted" in words
