"""What the tests of cards need: invoices, cards on file, events carried over by hand, and death at any call."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import stripe
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account
from apps.billing.enums import InvoiceKind, InvoiceState
from apps.billing.gateway import charges, customers, events, hosted
from apps.billing.gateway.base import CardFacts
from apps.billing.models import Card, HostedPage, Invoice, StripeEvent
from apps.billing.services.cards import card_store
from apps.core import clock
from apps.core.scope import account_scope
from apps.sandbox.stripe.testing import StripeServer

BACK = "http://localhost:8000/billing/"
_numbers = count(1)


def make_invoice(account: Account, total: int = 11900, **fields: Any) -> Invoice:
    today: date = clock.now().date()
    return Invoice.objects.create(
        **{
            "account": account,
            "series": "INV",
            "number": next(_numbers),
            "kind": InvoiceKind.MONTHLY,
            "state": InvoiceState.OPEN,
            "issued_on": today,
            "due_on": today,
            "effective_on": today,
            "until": today + timedelta(days=30),
            "currency": "EUR",
            "net_minor": total,
            "total_minor": total,
            **fields,
        }
    )


def save_card(server: StripeServer, account: Account, name: str = "pm_card_visa") -> Card:
    """A card on file, without its page."""
    customer = customers.customer_ensure(account)
    client = stripe.StripeClient(server.key, base_addresses={"api": server.url})
    method = client.v1.payment_methods.attach(name, {"customer": customer})
    facts = method.card
    assert facts is not None
    return card_store(
        CardFacts(
            method.id, customer, facts.brand, facts.last4, facts.exp_month, facts.exp_year, "Fred Finance"
        )
    )


def visit() -> HostedPage:
    """The visit that was begun last."""
    page = HostedPage.objects.order_by("-pk").first()
    assert page is not None
    return page


def came_back(client: Client) -> str:
    """The browser follows the way back of the last visit; returns what the page then says."""
    answer = client.get(reverse("billing_stripe_return", args=[visit().public_id]))
    assert answer.status_code == 302
    return " ".join(str(each) for each in answer.wsgi_request._messages)  # type: ignore[attr-defined]


def post_event(told: dict[str, str], *, signature: str | None = None) -> int:
    """Carry an event to the webhook, as the network would; what it queues is done at once."""
    with patch("apps.billing.gateway.tasks.handle_event.after_commit") as queued:
        answer = Client(enforce_csrf_checks=True).post(
            reverse("billing_stripe_webhook"),
            told["body"],
            content_type="application/json",
            headers={"Stripe-Signature": told["signature"] if signature is None else signature},
        )
    for call in queued.call_args_list:
        handle(**call.kwargs)
    return answer.status_code


def handle(account_id: int, event_id: int) -> bool:
    with account_scope(account_id):
        return events.event_handle(StripeEvent.objects.get(pk=event_id))


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


@contextmanager
def killed_at(number: int, *, after: bool) -> Iterator[list[str]]:
    """Die at the given request to Stripe (from 0): before it leaves, or when its answer has come."""
    asked: list[str] = []
    real = stripe.RequestsClient.request

    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(f"{method} {url}")
        dies = len(asked) - 1 == number
        if dies and not after:
            raise Killed
        answer = real(self, method, url, *args, **kwargs)
        if dies:
            raise Killed
        return answer

    with patch.object(stripe.RequestsClient, "request", request):
        yield asked


def clean_up_later() -> None:
    """What the tasks do minutes after a worker died."""
    with clock.travel(clock.now() + timedelta(minutes=5)):
        charges.charges_recover()
        hosted.pages_look()
