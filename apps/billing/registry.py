"""What billing asks of the apps above it. Filled in `AppConfig.ready()`."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from .models import Payment


@dataclass(frozen=True, slots=True)
class Counted:
    """One entity on one day. `label` says its kind, never its name; `why` is a key of `meter.WHY`."""

    service: str
    entity_public_id: UUID
    label: str
    size: int
    billable: bool
    why: str


Counter = Callable[[], Iterable[Counted]]
Names = Callable[[Collection[UUID]], Mapping[UUID, str]]
_counters: Final[list[Counter]] = []
_names: Final[list[Names]] = []


def register_counter(count: Counter) -> None:
    """Call `count` in an account's scope to learn what there is today."""
    _counters.append(count)


def counted_now() -> list[Counted]:
    """Everything that there is in the account in force."""
    return [line for count in _counters for line in count()]


def register_names(names: Names) -> None:
    """Let `names` tell what entities are called, of those that the actor in force sees."""
    _names[:] = [names]


def names_of(public_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What these are called, as far as the actor in force may see them."""
    return _names[0](public_ids) if _names else {}


class Charger(Protocol):
    """Charges cards. `apps/billing/gateway` registers the one that there is."""

    def is_on(self) -> bool:
        """Tell whether cards can be charged at all: whether this installation has a processor."""
        ...

    def takes(self, currency: str, amount_minor: int | None = None) -> bool:
        """Tell whether cards can be charged in this currency, and, where an amount is given, so little."""
        ...

    def charge(self, payment: "Payment") -> None:
        """Charge `payment.card` for a committed pending payment, and report what became of it.

        Its `public_id` is the idempotency key: asked twice, it is charged once. It ends in
        `payment_succeeded(payment.invoice, payment=payment, …)` or `payment_failed`. Raises RemoteError where
        nobody knows what became of it: the payment stays pending and is asked for again within the hour.
        """
        ...


_chargers: Final["list[Charger]"] = []


def register_charger(charger: Charger) -> None:
    """Let `charger` charge cards; the last one wins."""
    _chargers[:] = [charger]


def charger() -> Charger | None:
    """Who charges cards; None where invoices are paid by hand alone."""
    return _chargers[0] if _chargers and _chargers[0].is_on() else None
