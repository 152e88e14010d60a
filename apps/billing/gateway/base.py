"""What billing asks of a card processor, in its own words. `stripe_gateway` is the one that there is.

Nothing here touches our rows: whoever calls writes down first what it is about to ask (`charges`, `pages`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ..enums import PaymentState


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


class Gateway(Protocol):
    """All raise RemoteError (`core.errors`); nothing raises for a card that is refused."""

    is_live: bool

    def customer_make(self, account: UUID) -> str: ...

    def customer_tell(self, customer: str, *, name: str, email: str) -> None: ...

    def page_open(self, order: PageOrder) -> PageFacts: ...

    def page_find(self, stripe_id: str) -> PageFacts: ...

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
