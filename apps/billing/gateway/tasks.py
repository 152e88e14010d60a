"""Celery doors of what happens at Stripe."""

from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings

from apps.core import clock
from apps.core.scope import every_account

from ..enums import PageState, PaymentState
from ..models import Card, HostedPage, Payment, StripeEvent
from ..services.cards import card_warn
from . import charges, events, hosted

LOOKED_BACK: Final = timedelta(days=28)  # also what an outage missed; Stripe tells of events of 30 days
KEPT: Final = timedelta(days=90)


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def handle_event(*, account_id: int, event_id: int) -> bool:
    """Act on one event; what fails is sent again later."""
    event = StripeEvent.objects.filter(pk=event_id, account_id=account_id).first()
    return event is None or events.event_handle(event)


@shared_task  # type: ignore[untyped-decorator]
def look_after_payments() -> int:
    """Send what waits for another try: events, and charges that a worker left behind."""
    if not (settings.BILLING and settings.STRIPE_KEY):
        return 0
    waiting = events.events_due()
    for account_id, event_id in waiting:
        handle_event.after_commit(account_id=account_id, event_id=event_id)
    with every_account("charges that a dead worker left are found across accounts"):
        left = Payment.objects.filter(state=PaymentState.PENDING, attempt__isnull=False)
        old = left.filter(at__lt=clock.now() - charges.UNDER_WAY)
        accounts = set(old.values_list("account_id", flat=True))
    for account_id in accounts:
        settle_account.after_commit(account_id=account_id)
    return len(waiting) + len(accounts)


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def settle_account(*, account_id: int) -> int:
    """Find out what became of charges and pages of one account; returns how many are still open."""
    return charges.charges_recover() + hosted.pages_look()


@shared_task  # type: ignore[untyped-decorator]
def reconcile() -> int:
    """Once a night: what no webhook told, visits that nobody came back from, cards that expire."""
    if not (settings.BILLING and settings.STRIPE_KEY):
        return 0
    found = events.events_catch_up(clock.now() - LOOKED_BACK)
    events.events_forget(clock.now() - KEPT)
    with every_account("visits and cards to look at are found across accounts"):
        pages = HostedPage.objects.filter(state=PageState.OPEN)
        visited = set(pages.values_list("account_id", flat=True))
        active = list(Card.objects.filter(is_active=True).values_list("account_id", flat=True))
    for account_id in visited:
        settle_account.after_commit(account_id=account_id)
    for account_id in active:
        warn_of_card.after_commit(account_id=account_id)
    return found


@shared_task  # type: ignore[untyped-decorator]
def warn_of_card(*, account_id: int) -> bool:
    """Write when the card that is charged expires soon."""
    return card_warn(clock.now().date())
