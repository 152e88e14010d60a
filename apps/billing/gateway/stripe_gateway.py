"""Stripe by its own library: one client with its own address and time limits, no state of the module's.

Objects of the library are no dictionaries (since version 15): all are turned into plain ones at once.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

import stripe

from apps.core.errors import Gone

from ..enums import PaymentMethod, PaymentState
from . import errors
from .base import KINDS, CardFacts, ChargeOrder, Mark, PageFacts, PageOrder, PaymentOutcome, Told
from .stripe_errors import told
from .takes import takes
from .words import words_for

SECONDS: Final = (5.0, 60.0)  # to connect, and for an answer: a bank takes its time
TRIES: Final = 2  # more of the same request, with the same idempotency key
TOLERANCE: Final = 300  # seconds between a webhook's signature and now
MANY: Final = 1000  # payments of one customer that are looked through, the newest first


class StripeProcessor:
    """See `base.Processor`."""

    def __init__(self, key: str, webhook_secret: str, base: str = "") -> None:
        self.is_live = key.startswith(("sk_live_", "rk_live_"))
        self._secret = webhook_secret
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": base.rstrip("/")} if base else None,
            max_network_retries=TRIES,
            http_client=stripe.RequestsClient(timeout=SECONDS),
        )

    # -- customers ---------------------------------------------------------------------------------------

    def customer_make(self, account: UUID) -> str:
        # Nothing but the mark: the same key must always come with the same parameters.
        with _told():
            made = self._client.v1.customers.create(
                {"metadata": Mark(account).as_metadata()}, {"idempotency_key": f"everkeep-customer-{account}"}
            )
        return str(made.id)

    def customer_tell(self, customer: str, *, name: str, email: str) -> None:
        with _told():
            self._client.v1.customers.update(customer, {"name": name, "email": email})

    def customer_forget(self, customer: str) -> None:
        try:
            with _told():
                self._client.v1.customers.delete(customer)
        except Gone:
            return

    # -- hosted pages ------------------------------------------------------------------------------------

    def page_open(self, order: PageOrder) -> PageFacts:
        metadata = order.mark.as_metadata()
        asked: dict[str, Any] = {
            "mode": "payment" if order.amount_minor else "setup",
            "customer": order.customer,
            "client_reference_id": str(order.mark.account),
            "allowed_payment_method_types": list(order.methods),
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "metadata": metadata,
        }
        if order.amount_minor:
            asked["line_items"] = [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": _amount(order.amount_minor, order.currency),
                        "product_data": {"name": order.words},
                    },
                }
            ]
            asked["payment_intent_data"] = {"metadata": metadata, "description": order.words}
        else:
            asked["setup_intent_data"] = {"metadata": metadata}
        with _told():
            made = self._client.v1.checkout.sessions.create(
                asked,  # type: ignore[arg-type]
                {"idempotency_key": f"everkeep-page-{order.mark.page}"},
            )
        return _page(made.to_dict())

    def page_find(self, stripe_id: str) -> PageFacts:
        with _told():
            return _page(self._client.v1.checkout.sessions.retrieve(stripe_id).to_dict())

    def page_marked(self, order: PageOrder) -> PageFacts | None:
        with _told():
            found = self._client.v1.checkout.sessions.list({"customer": order.customer, "limit": 100})
            for each in islice(found.auto_paging_iter(), MANY):
                page = _page(each.to_dict())
                if page.mark is not None and page.mark.page == order.mark.page:
                    return page
        return None

    def page_close(self, stripe_id: str) -> PageFacts:
        try:
            with _told():
                return _page(self._client.v1.checkout.sessions.expire(stripe_id).to_dict())
        except errors.Asked:
            found = self.page_find(stripe_id)  # it was complete or over already
            if found.is_open:
                raise
            return found

    # -- money -------------------------------------------------------------------------------------------

    def charge(self, order: ChargeOrder) -> PaymentOutcome:
        try:
            with _told(but=stripe.CardError):
                made = self._client.v1.payment_intents.create(
                    {
                        "amount": _amount(order.amount_minor, order.currency),
                        "currency": order.currency.lower(),
                        "customer": order.customer,
                        "payment_method": order.card,
                        "allowed_payment_method_types": ["card"],
                        "off_session": True,
                        "confirm": True,
                        "description": order.words,
                        "metadata": order.mark.as_metadata(),
                        "expand": ["latest_charge"],
                    },
                    {"idempotency_key": f"everkeep-charge-{order.mark.payment}"},
                )
        except stripe.CardError as refused:
            return _refused(refused)
        return _outcome(made.to_dict())

    def charge_find(self, order: ChargeOrder) -> PaymentOutcome | None:
        """By the list of the customer's payments, which is never behind, as a search would be."""
        with _told():
            found = self._client.v1.payment_intents.list(
                {"customer": order.customer, "limit": 100, "expand": ["data.latest_charge"]}
            )
            for each in islice(found.auto_paging_iter(), MANY):
                intent = each.to_dict()
                if (intent.get("metadata") or {}).get("everkeep_payment") == str(order.mark.payment):
                    return _outcome(intent)
        return None

    def outcome(self, stripe_id: str) -> PaymentOutcome:
        with _told():
            intent = self._client.v1.payment_intents.retrieve(stripe_id, {"expand": ["latest_charge"]})
        return _outcome(intent.to_dict())

    def outcome_of_charge(self, stripe_id: str) -> PaymentOutcome:
        with _told():
            charge = self._client.v1.charges.retrieve(stripe_id).to_dict()
        intent = charge.get("payment_intent")
        if not intent:
            raise Gone("This charge is none of ours.")
        return self.outcome(str(intent))

    def refund(self, stripe_id: str, *, amount_minor: int, key: str, mark: Mark) -> int:
        with _told():
            self._client.v1.refunds.create(
                {"payment_intent": stripe_id, "amount": amount_minor, "metadata": mark.as_metadata()},
                {"idempotency_key": f"everkeep-refund-{key}"},
            )
        return self.outcome(stripe_id).refunded_minor

    # -- cards -------------------------------------------------------------------------------------------

    def card_of_page(self, stripe_id: str) -> CardFacts | None:
        with _told():
            intent = self._client.v1.setup_intents.retrieve(stripe_id, {"expand": ["payment_method"]}).to_dict()
        method = intent.get("payment_method")
        if intent.get("status") != "succeeded" or not isinstance(method, dict):
            return None
        return _card(method)

    def card(self, stripe_id: str) -> CardFacts | None:
        try:
            with _told():
                return _card(self._client.v1.payment_methods.retrieve(stripe_id).to_dict())
        except Gone:
            return None

    def card_detach(self, stripe_id: str) -> None:
        try:
            with _told():
                self._client.v1.payment_methods.detach(stripe_id)
        except Gone:
            return
        except errors.Asked:
            found = self.card(stripe_id)
            if found is not None and found.customer:
                raise

    # -- events ------------------------------------------------------------------------------------------

    def event_read(self, body: bytes, signature: str) -> Told:
        if not self._secret:
            raise errors.EventRefused(
                "No secret for webhooks is set.", do="Set EVERKEEP_STRIPE_WEBHOOK_SECRET."
            )
        try:
            # Not by the library's constructor: it stumbles over JSON that is no object.
            stripe.WebhookSignature.verify_header(body, signature, self._secret, TOLERANCE)
            return _event(json.loads(body))
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise errors.EventRefused("This was not sent by Stripe just now.") from error

    def events_since(self, moment: datetime) -> Iterator[Told]:
        asked: Any = {"created": {"gte": int(moment.timestamp())}, "types": list(KINDS), "limit": 100}
        with _told():
            for each in self._client.v1.events.list(asked).auto_paging_iter():
                yield _event(each.to_dict())


@contextmanager
def _told(but: type[stripe.StripeError] | None = None) -> Iterator[None]:
    """Raise the house's errors instead of the library's."""
    try:
        yield
    except stripe.StripeError as error:
        if but is not None and isinstance(error, but):
            raise
        raise told(error) from error


def _amount(minor: int, currency: str) -> int:
    if not takes(currency):
        raise errors.NotSet(f"Cards cannot be charged in {currency} here.", do="Pay by bank transfer.")
    return minor


def _id(value: Any) -> str:
    """An id, whether its object was expanded or not."""
    return str(value["id"] if isinstance(value, Mapping) else value or "")


def _moment(value: Any) -> datetime:
    return datetime.fromtimestamp(int(value), UTC)


def _mark(metadata: Mapping[str, str] | None) -> Mark | None:
    """Ours, or None. What others wrote there is nothing of ours."""
    given = metadata or {}
    try:
        found = {
            key: UUID(given[f"everkeep_{key}"])
            for key in ("account", "invoice", "payment", "page")
            if f"everkeep_{key}" in given
        }
    except ValueError:
        return None
    return Mark(**found) if "account" in found else None


def _page(session: Mapping[str, Any]) -> PageFacts:
    return PageFacts(
        stripe_id=session["id"],
        customer=_id(session.get("customer")),
        url=session.get("url") or "",
        is_open=session["status"] == "open",
        is_complete=session["status"] == "complete",
        made=_id(session.get("payment_intent") or session.get("setup_intent")),
        mark=_mark(session.get("metadata")),
    )


def _card(method: Mapping[str, Any]) -> CardFacts | None:
    card = method.get("card")
    if not isinstance(card, Mapping):
        return None
    return CardFacts(
        stripe_id=method["id"],
        customer=_id(method.get("customer")),
        brand=card.get("brand") or "",
        last4=card.get("last4") or "",
        exp_month=int(card.get("exp_month") or 0),
        exp_year=int(card.get("exp_year") or 0),
        holder=(method.get("billing_details") or {}).get("name") or "",
    )


_STATES: Final = {
    "succeeded": PaymentState.SUCCEEDED,
    "requires_action": PaymentState.NEEDS_ACTION,
    "requires_payment_method": PaymentState.FAILED,
    "canceled": PaymentState.FAILED,
}


def _outcome(intent: Mapping[str, Any]) -> PaymentOutcome:
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {}
    state = _STATES.get(intent["status"], PaymentState.PENDING)
    error: Mapping[str, Any] = intent.get("last_payment_error") or {}
    code, decline = str(error.get("code") or ""), str(error.get("decline_code") or "")
    if state == PaymentState.FAILED and "authentication_required" in (code, decline):
        state = PaymentState.NEEDS_ACTION
    if intent["status"] == "canceled":
        code, decline = "canceled", ""
    failed = state in (PaymentState.FAILED, PaymentState.NEEDS_ACTION)
    words, do = words_for(code or "authentication_required", decline) if failed else ("", "")
    return PaymentOutcome(
        state=state,
        stripe_id=intent["id"],
        customer=_id(intent.get("customer")),
        amount_minor=int(intent["amount_received"] if state == PaymentState.SUCCEEDED else intent["amount"]),
        currency=str(intent["currency"]).upper(),
        failure_code=(decline or code or "failed") if failed else "",
        words=words,
        do=do,
        at=_moment(charge["created"]) if charge.get("created") else _moment(intent["created"]),
        mark=_mark(intent.get("metadata")),
        card=_charged_card(charge),
        method=_method(charge),
        receipt_url=charge.get("receipt_url") or "",
        refunded_minor=int(charge.get("amount_refunded") or 0),
    )


def _method(charge: Mapping[str, Any]) -> str:
    kind = (charge.get("payment_method_details") or {}).get("type")
    return PaymentMethod.PAYPAL if kind == "paypal" else PaymentMethod.CARD


def _charged_card(charge: Mapping[str, Any]) -> CardFacts | None:
    card = (charge.get("payment_method_details") or {}).get("card")
    if not card:
        return None
    return CardFacts(
        stripe_id=_id(charge.get("payment_method")),
        customer=_id(charge.get("customer")),
        brand=card.get("brand") or "",
        last4=card.get("last4") or "",
        exp_month=int(card.get("exp_month") or 0),
        exp_year=int(card.get("exp_year") or 0),
    )


def _refused(refused: stripe.CardError) -> PaymentOutcome:
    """From the error itself: it carries the intent, unless the card never got as far."""
    body = refused.json_body if isinstance(refused.json_body, dict) else {}
    error: dict[str, Any] = body.get("error") or {}
    if isinstance(error.get("payment_intent"), dict):
        return _outcome(error["payment_intent"])
    code, decline = str(error.get("code") or "card_declined"), str(error.get("decline_code") or "")
    words, do = words_for(code, decline)
    return PaymentOutcome(PaymentState.FAILED, failure_code=decline or code, words=words, do=do)


def _event(event: Mapping[str, Any]) -> Told:
    """A method that was detached belongs to nobody: the event says whose it was."""
    value = event["data"]["object"]
    previous = event["data"].get("previous_attributes") or {}
    customer = _id(value.get("customer")) or _id(previous.get("customer"))
    return Told(
        stripe_id=str(event["id"]),
        kind=str(event["type"]),
        object_id=str(value.get("id") or ""),
        customer=customer,
        is_live=bool(event["livemode"]),
        at=_moment(event["created"]),
    )
