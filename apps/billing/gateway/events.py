"""Webhooks: an event says that something about an object changed. How that object stands is asked of Stripe.

So events may come late, twice, out of order or not at all: each of them leads to the same look at the same
object, and what is written down is what stands there now.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope

from ..models import HostedPage, StripeEvent
from ..services.cards import card_refresh, card_store
from . import charges, hosted
from .base import KINDS, Told
from .chosen import required
from .customers import account_of, check_ours, customer_here
from .errors import EventRefused

logger = logging.getLogger("everkeep.billing")

PAUSES: Final = (30, 120, 600, 3600, 6 * 3600, 24 * 3600)  # seconds before the next try
CLAIM: Final = timedelta(minutes=10)  # before a task that was lost is sent again


def event_take(body: bytes, signature: str) -> StripeEvent | None:
    """Judge what was posted to us and keep it; None for what is of no use here. Raises EventRefused."""
    told = required().event_read(body, signature)
    if told.kind not in KINDS or not told.customer:
        return None
    return event_keep(told)


def event_keep(told: Told) -> StripeEvent | None:
    """Keep an event once; None when it is kept already, or about nobody of ours. Raises EventRefused."""
    if told.is_live != required().is_live:
        raise EventRefused("This event is of the other mode (live or test) than our key.")
    account_id = account_of(told.customer)
    if account_id is None:
        # Signed by Stripe, so its truth: a customer that was forgotten, or another installation's.
        logger.info("event %s is about a customer who is none of ours", told.stripe_id)
        return None
    event, is_new = StripeEvent.objects.get_or_create(
        stripe_id=told.stripe_id,
        defaults={
            "kind": told.kind,
            "account_id": account_id,
            "object_id": told.object_id,
            "customer": told.customer,
            "next_try_at": clock.now() + CLAIM,
        },
    )
    return event if is_new else None


def event_handle(event: StripeEvent) -> bool:
    """Act on an event in its account's scope; what fails is tried again by `events_due`. True when done."""
    if event.handled_at is not None:
        return True
    try:
        _act(event)
    except EverkeepError as error:
        _put_off(event, f"{error.code}: {error.what}")
        return False
    except Exception as error:  # a fault of ours in one event holds up no other, and is tried more seldom too
        logger.exception("event %s met a fault", event.stripe_id)
        _put_off(event, f"fault: {type(error).__name__}")
        return False
    event.handled_at, event.trouble = clock.now(), ""
    event.save(update_fields=["handled_at", "trouble"])
    return True


def _put_off(event: StripeEvent, trouble: str) -> None:
    event.tries += 1
    pause = PAUSES[min(event.tries, len(PAUSES)) - 1]
    event.next_try_at = clock.now() + timedelta(seconds=pause)
    event.trouble = trouble[:300]
    event.save(update_fields=["tries", "next_try_at", "trouble"])
    say = logger.error if event.tries >= len(PAUSES) else logger.warning
    say("event %s (%s) could not be handled, try %d: %s", event.stripe_id, event.kind, event.tries, trouble)


def _act(event: StripeEvent) -> None:
    processor, wanted = required(), event.object_id
    subject = event.kind.rpartition(".")[0]
    if subject == "checkout.session":
        _look_at_page(wanted)
    elif subject == "setup_intent":
        card = processor.card_of_page(wanted)
        if card is not None:
            check_ours(card.customer)
            card_store(card)
    elif subject == "payment_intent":
        charges.outcome_apply(processor.outcome(wanted))
    elif subject == "charge":
        charges.outcome_apply(processor.outcome_of_charge(wanted))
    else:
        facts = processor.card(wanted)
        card_refresh(wanted, facts if facts is not None and facts.customer == customer_here() else None)


def _look_at_page(stripe_id: str) -> None:
    page = HostedPage.objects.filter(stripe_id=stripe_id).first()
    if page is None:  # the answer that named it was lost: its mark says which visit it is
        facts = required().page_find(stripe_id)
        check_ours(facts.customer)
        if facts.mark is None or facts.mark.page is None:
            return
        page = HostedPage.objects.filter(public_id=facts.mark.page).first()
        if page is None:
            return
        if not page.stripe_id:
            page.stripe_id = stripe_id
            page.save(update_fields=["stripe_id"])
    hosted.page_look(page)


def events_due() -> list[tuple[int, int]]:
    """Account and id of the events that wait for another try; each is handed out once per pause."""
    now = clock.now()
    waiting = StripeEvent.objects.filter(handled_at=None, next_try_at__lte=now, account_id__isnull=False)
    found = list(waiting.order_by("next_try_at").values_list("account_id", "pk")[:500])
    StripeEvent.objects.filter(pk__in=[pk for _, pk in found]).update(next_try_at=now + CLAIM)
    return [(account_id, pk) for account_id, pk in found if account_id is not None]


def events_catch_up(since: datetime) -> int:
    """Keep and handle the events that no webhook brought; returns how many there were."""
    found = 0
    for told in required().events_since(since):
        try:
            event = event_keep(told) if told.customer else None
        except EventRefused:
            continue  # of the other mode
        if event is not None:
            found += 1
            with account_scope(event.account_id or 0):
                event_handle(event)
    return found


def events_forget(older_than: datetime) -> None:
    """Handled events are kept for as long as Stripe could tell them again, and longer."""
    StripeEvent.objects.filter(handled_at__lt=older_than).delete()
