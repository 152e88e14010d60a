"""What billing asks of who takes cards, in its own words, at two heights.

`Gateway` acts on our rows and is what the rest of billing calls: get it by `gateway()`. `Processor` is the wire
below it: it knows nothing of our rows; `stripe_gateway` is the one that there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings

from apps.accounts.models import Account

from ..enums import PaymentMethod, PaymentState
from ..models import Card, Invoice, Payment

# What is acted on; anything else that Stripe tells is thrown away.
KINDS: Final = (
    "checkout.session.completed",
    "checkout.session.expired",
    "setup_intent.succeeded",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_method.updated",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "charge.refunded",
)


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What may be known of a card."""

    stripe_id: str
    customer: str  # "" when it was detached
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Written on every object that we make there, so that it can be told whose it is, and for what."""

    account: UUID
    invoice: UUID | None = None
    payment: UUID | None = None
    page: UUID | None = None

    def as_metadata(self) -> dict[str, str]:
        pairs = {"account": self.account, "invoice": self.invoice, "payment": self.payment, "page": self.page}
        return {f"everkeep_{key}": str(value) for key, value in pairs.items() if value is not None}


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """How a payment stands. `words` say in a user's words why it failed, and `do` what helps."""

    state: PaymentState
    stripe_id: str = ""
    customer: str = ""
    amount_minor: int = 0
    currency: str = ""
    failure_code: str = ""
    words: str = ""
    do: str = ""
    at: datetime | None = None
    mark: Mark | None = None
    card: CardFacts | None = None
    receipt_url: str = ""
    refunded_minor: int = 0
    method: str = PaymentMethod.CARD
    told_operator: str = ""  # why Stripe did not even try, which only the operator can mend


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """Money to be taken while nobody is there. The same `mark.payment` is never charged twice."""

    customer: str
    card: str
    amount_minor: int
    currency: str
    words: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class PageOrder:
    """A hosted page to be opened; without `amount_minor` it is the one that adds a card."""

    customer: str
    success_url: str
    cancel_url: str
    mark: Mark
    amount_minor: int = 0
    currency: str = ""
    words: str = ""
    methods: tuple[str, ...] = ("card",)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A hosted page as it stands: `is_open`, or `is_complete`, or over. `made` is the intent that it led to."""

    stripe_id: str
    customer: str
    url: str
    is_open: bool
    is_complete: bool
    made: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Told:
    """An event: which kind, about which object of whom. What it says of the object is not believed."""

    stripe_id: str
    kind: str
    object_id: str
    customer: str
    is_live: bool
    at: datetime


class Processor(Protocol):
    """All raise RemoteError (`core.errors`); nothing raises for a card that is refused."""

    is_live: bool

    def customer_make(self, account: UUID) -> str: ...

    def customer_tell(self, customer: str, *, name: str, email: str) -> None: ...

    def customer_forget(self, customer: str) -> None:
        """Delete a customer and all cards; one that is gone already is none either."""
        ...

    def page_open(self, order: PageOrder) -> PageFacts: ...

    def page_find(self, stripe_id: str) -> PageFacts: ...

    def page_marked(self, order: PageOrder) -> PageFacts | None:
        """The page that bears the mark of this order, whatever else it was asked for with, if there is one."""
        ...

    def page_close(self, stripe_id: str) -> PageFacts:
        """Let nobody pay there any more; the facts of one that was complete before."""
        ...

    def charge(self, order: ChargeOrder) -> PaymentOutcome: ...

    def charge_find(self, order: ChargeOrder) -> PaymentOutcome | None:
        """What became of a charge that was asked for earlier; None when it never arrived."""
        ...

    def outcome(self, stripe_id: str) -> PaymentOutcome: ...

    def outcome_of_charge(self, stripe_id: str) -> PaymentOutcome: ...

    def card_of_page(self, stripe_id: str) -> CardFacts | None:
        """The card that a finished page saved, by its setup intent."""
        ...

    def card(self, stripe_id: str) -> CardFacts | None: ...

    def card_detach(self, stripe_id: str) -> None:
        """Forget a card; one that is forgotten already is none either."""
        ...

    def refund(self, stripe_id: str, *, amount_minor: int, key: str, mark: Mark) -> int:
        """Give back so much of a payment, once for each `key`; returns how much is given back in all."""
        ...

    def event_read(self, body: bytes, signature: str) -> Told:
        """Raises InvalidRequest for one that Stripe did not send, or not just now."""
        ...

    def events_since(self, moment: datetime) -> Iterator[Told]: ...


class Gateway(Protocol):
    """In the account's scope, outside transactions: each writes down what it will ask before it asks.

    Raises RemoteError (`core.errors`) where nothing could be done; none for a card that is refused.
    """

    def customer_ensure(self, account: Account) -> str:
        """The id of the account's customer; made when there is none."""
        ...

    def card_page_url(self, account: Account, return_url: str) -> str:
        """Where a card is added. Its end leads back to `return_url`, which is of ours."""
        ...

    def payment_page_url(self, invoice: Invoice, return_url: str) -> str:
        """Where one invoice is paid. The same page for two tabs. Raises InvoiceSettled, Conflict."""
        ...

    def charge(self, invoice: Invoice, card: Card) -> PaymentOutcome:
        """Take what is open of an invoice, while nobody is there, and write down what came of it.

        May be killed anywhere and called again: money is taken once. PENDING where that is not known yet: it is
        found out later by itself. Raises InvoiceSettled, Conflict (somebody is paying it just now).
        """
        ...

    def card_detach(self, card: Card) -> None:
        """Let Stripe forget a card (the row is the caller's)."""
        ...

    def refund(self, payment: Payment, amount_minor: int | None = None) -> Payment:
        """Give back so much of a payment, all that is left without an amount, and write it down."""
        ...


def gateway() -> Gateway | None:
    """Who takes cards here; None when no key is set: bank transfers only."""
    if not settings.STRIPE_KEY:
        return None
    from .cards_gateway import CardsGateway  # noqa: PLC0415 - it calls the services, which call this

    return CardsGateway()
