"""Cards: what came of a page of Stripe's, which one is charged, and which is forgotten."""

from datetime import date, timedelta
from typing import Final

from django.db import transaction

from apps.activity.audit import audit
from apps.core.errors import Conflict, Unavailable
from apps.core.scope import current_account_id

from ..enums import Interval, PaymentState, SubscriptionState
from ..gateway.base import CardFacts, gateway
from ..mails import tell
from ..models import Card, Payment, Subscription
from .locking import money_locked

NEEDS_A_CARD: Final = (SubscriptionState.ACTIVE, SubscriptionState.PAST_DUE, SubscriptionState.SUSPENDED)
WARNED_AHEAD: Final = timedelta(days=30)


@transaction.atomic
def card_store(facts: CardFacts) -> Card:
    """Note a card that Stripe keeps for this account, once; the first one is charged from now on."""
    card, is_new = Card.objects.select_for_update().get_or_create(
        stripe_id=facts.stripe_id, account_id=current_account_id()
    )
    _note(card, facts)
    if is_new:
        if not Card.objects.filter(is_active=True).exists():
            card.is_active = True
            card.save(update_fields=["is_active"])
        audit("billing.card_added", description=str(card), subject_id=card.public_id)
    return card


def _note(card: Card, facts: CardFacts) -> None:
    if (card.exp_month, card.exp_year) != (facts.exp_month, facts.exp_year):
        card.warned_on = None
    card.brand, card.last4, card.holder = facts.brand[:30], facts.last4[:4], facts.holder[:120] or card.holder
    card.exp_month, card.exp_year = facts.exp_month, facts.exp_year
    card.save(update_fields=["brand", "last4", "holder", "exp_month", "exp_year", "warned_on"])


@transaction.atomic
def card_refresh(stripe_id: str, facts: CardFacts | None) -> None:
    """What Stripe tells of a card that we know: renewed by its bank, or gone (`facts` None)."""
    card = Card.objects.select_for_update().filter(stripe_id=stripe_id).first()
    if card is None:
        return
    if facts is not None:
        _note(card, facts)
        return
    if Payment.objects.filter(card=card, state=PaymentState.PENDING).exists():
        raise Unavailable("This card is being charged just now.")  # told again later
    audit("billing.card_deleted", description=f"{card}, at Stripe", subject_id=card.public_id)
    card.delete()


@transaction.atomic
def card_activate(card: Card) -> Card:
    """Charge this card from now on."""
    rows = Card.objects.select_for_update()
    card = rows.get(pk=card.pk)
    if not card.is_active:
        rows.filter(is_active=True).update(is_active=False)
        card.is_active = True
        card.save(update_fields=["is_active"])
        audit("billing.card_activated", description=str(card), subject_id=card.public_id)
    return card


@transaction.atomic
def card_delete(card: Card) -> None:
    """Forget a card, at Stripe first: killed in between, the next call finishes it. Raises Conflict.

    Whoever would charge it or choose it for payments meanwhile waits for the end of this.
    """
    money_locked()
    row = Card.objects.select_for_update().filter(pk=card.pk).first()
    if row is not None:
        _check_deletable(row)
    found = gateway()
    if found is not None:
        found.card_detach(card)
    if row is not None:
        audit("billing.card_deleted", description=str(card), subject_id=card.public_id)
        row.delete()


def _check_deletable(card: Card) -> None:
    if Payment.objects.filter(card=card, state=PaymentState.PENDING).exists():
        raise Conflict("This card is being charged just now.", do="Delete it in some minutes.")
    if card.is_active and _is_charged_to_a_card():
        raise Conflict("Your plan is charged to this card.", do="Activate another card first.")


def _is_charged_to_a_card() -> bool:
    plans = Subscription.objects.filter(state__in=NEEDS_A_CARD, interval=Interval.MONTH, auto_pay=True)
    return plans.exists()


def last_day(card: Card) -> date:
    """The last day on which a card is valid."""
    first = date(card.exp_year + card.exp_month // 12, card.exp_month % 12 + 1, 1)
    return first - timedelta(days=1)


@transaction.atomic
def card_warn(today: date) -> bool:
    """Write once, a month ahead, that the card that is charged expires. A renewed card is warned of anew.

    Nothing where no plan is charged to it.
    """
    if not _is_charged_to_a_card():
        return False
    card = Card.objects.select_for_update().filter(is_active=True, warned_on=None, exp_year__gt=0).first()
    if card is None or last_day(card) - today > WARNED_AHEAD:
        return False
    card.warned_on = today
    card.save(update_fields=["warned_on"])
    tell("card_expires", card=card, day=last_day(card), is_over=last_day(card) < today)
    return True
