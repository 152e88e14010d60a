"""The page of cards and billing details, and what is missing before a plan can begin."""

from dataclasses import dataclass
from typing import Any

from apps.accounts.models import Account, User
from apps.core import clock

from ..enums import InvoiceAs
from ..forms import DetailsForm
from ..models import BillingDetails, Card, Subscription
from ..services.details import details_missing, details_of
from .forecasts import has_prices


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card as it is shown."""

    card: Card

    def __getattr__(self, name: str) -> Any:
        return getattr(self.card, name)

    @property
    def brand_words(self) -> str:
        """Visa, Mastercard; "Card" where nobody told."""
        return {"amex": "American Express"}.get(self.card.brand, self.card.brand.title()) or "Card"

    @property
    def is_expired(self) -> bool:
        """Whether its last month is over."""
        today = clock.now().date()
        return (self.card.exp_year, self.card.exp_month) < (today.year, today.month)


def cards() -> list[CardRow]:
    """The account's cards, the active one first."""
    return [CardRow(card) for card in Card.objects.order_by("-is_active", "-added_at", "-pk")]


def has_details() -> bool:
    """Whether somebody has filled in to whom bills are written."""
    return not details_missing(details_of())


def details_initial(account: Account, user: User) -> dict[str, Any]:
    """What is known; before anything is, what the person and the account are called."""
    kept = BillingDetails.objects.exclude(country="").values(*DetailsForm.base_fields).first()
    if kept:
        return dict(kept)
    first, _, last = user.name.rpartition(" ")
    return {
        "first_name": first or last,
        "last_name": last if first else "",
        "email": user.email,
        "company": account.name,
        "invoice_as": InvoiceAs.LINK,
    }


def missing(plan: Subscription, *, card_needed: bool) -> list[str]:
    """What still has to be given before a monthly plan can begin."""
    found = [] if has_details() else ["fill in the billing details"]
    if not has_prices(plan, clock.now().date()):
        found.append(f"ask support for prices in {plan.currency}")
    if card_needed and not Card.objects.filter(is_active=True).exists():
        found.append("add a card")
    return found
