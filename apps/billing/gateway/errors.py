"""Trouble of cards that the rest of the house does not know."""

from typing import ClassVar

from apps.core.errors import InvalidRequest, RemoteError


class NotSet(InvalidRequest):
    """Cards are asked for where no key of a card processor is set."""

    code: ClassVar[str] = "cards_not_set"


class EventRefused(InvalidRequest):
    """Posted to our webhook, and not by Stripe, or not for us, or too late."""

    code: ClassVar[str] = "event_refused"


class KeyUsedTwice(RemoteError):
    """The same idempotency key with other parameters: nothing was done. A fault of ours."""

    code: ClassVar[str] = "key_used_twice"


class Asked(RemoteError):
    """Stripe does not accept what we asked: a fault of ours, or of the account there."""

    code: ClassVar[str] = "stripe_refused"
