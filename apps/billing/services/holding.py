"""What keeps an account from being closed or deleted: money, or a wish for a plan, that is on its way."""

from typing import Final

from apps.accounts.enums import WANT_OF_A_PLAN
from apps.core import clock

from ..enums import PagePurpose, PageState, PaymentState, SubscriptionState
from ..models import HostedPage, Payment
from ..rules import HELD_FOR_MONEY, HELD_FOR_REQUEST
from .locking import money_locked

RUNS: Final = (SubscriptionState.ACTIVE, SubscriptionState.PAST_DUE)


def held_up(account_id: int, cause: str) -> str:
    """Why the account must stay for now. Only a plan holds it for ever: what nobody answers has its days.

    Whoever cancelled the account themselves waits for no answer to a request.
    """
    now = clock.now()
    # Held until the caller is through: neither a request nor a charge begins meanwhile.
    plan = money_locked()
    if plan is None:
        return ""
    if cause in WANT_OF_A_PLAN and plan.state in RUNS:
        return "The account has a plan."  # paid since somebody read that it had none
    asked = plan.requested_at if plan.state == SubscriptionState.REQUESTED else None
    if cause in WANT_OF_A_PLAN and asked and asked > now - HELD_FOR_REQUEST:
        return "An annual plan is requested."
    charges = Payment.objects.filter(account_id=account_id, state=PaymentState.PENDING)
    if charges.filter(at__gt=now - HELD_FOR_MONEY).exists():
        return "A payment is in progress."
    pages = HostedPage.objects.filter(account_id=account_id, purpose=PagePurpose.PAYMENT, state=PageState.OPEN)
    if pages.filter(opened_at__gt=now - HELD_FOR_MONEY).exists():
        return "A payment page is open."
    return ""
