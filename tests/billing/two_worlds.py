"""Everkeep and Stripe under one clock: an account lives through its days, then both books are compared."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.billing.enums import InvoiceState, PagePurpose, PageState, PaymentState, SubscriptionState
from apps.billing.gateway import hosted, tasks
from apps.billing.models import BillingDetails, Card, HostedPage, Invoice, Payment, StripeEvent
from apps.billing.registry import Counted
from apps.billing.services import subscription_of
from apps.billing.tasks import bill_account
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.notifications.models import Delivery
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.conftest import at, mailboxes
from tests.billing.stripe_rig import BACK, post_event

STOPPED = (SubscriptionState.SUSPENDED, SubscriptionState.CANCELLED)


class TwoWorlds:
    """The account's days go by one after the other; on each of them all jobs of billing run.

    `billable[day]` is what this world had on a day, written down by itself.
    """

    def __init__(self, server: StripeServer, account: Account, first: date, patch: pytest.MonkeyPatch) -> None:
        self.server, self.account, self.day = server, account, first
        self.random = Random(8)
        self.billable: dict[date, int] = {}
        self.has = 3
        for task in (tasks.handle_event, tasks.settle_account, tasks.warn_of_card):
            patch.setattr(task, "after_commit", task)

    @contextmanager
    def today(self) -> Iterator[None]:
        """What somebody does on this day, after its jobs."""
        with account_scope(self.account.pk), acting_as(SYSTEM), at(self.day, hour=9):
            self.server.set_clock(clock.now().timestamp())
            yield

    def live_until(self, last: date, *, every: int = 1) -> None:
        """Let the days up to `last` (included) go by; `every`: on the days between Everkeep was off."""
        while self.day < last:
            self.day = min(last, self.day + timedelta(days=every))
            self._one_day()

    def counted(self) -> Iterable[Counted]:
        """The registry's counter: mailboxes come and go."""
        if self.random.random() < 0.15:
            self.has = self.random.randint(1, 5)
        self.billable[self.day] = self.has
        return mailboxes(self.has, free=1)

    def _one_day(self) -> None:
        with account_scope(self.account.pk):
            # The grace of who is stopped counts what was seen of it: there each quarter of a day is looked at.
            hours = (0, 6, 12, 18) if subscription_of().state in STOPPED else (6,)
        for hour in hours:
            with at(self.day, hour=hour):
                self.server.set_clock(clock.now().timestamp())
                bill_account(account_id=self.account.pk)
                self.network()
        with at(self.day, hour=20):
            tasks.look_after_payments()
            tasks.reconcile()

    def network(self) -> None:
        """Events come in any order, some twice, some never; with some of them comes a forged one."""
        held = self.server.held()
        self.random.shuffle(held)
        for told in held:
            if self.random.random() < 0.2:
                continue  # lost: the nightly look finds out
            if self.random.random() < 0.2:
                assert post_event(told, signature="t=1,v1=0") == 400
            for _ in range(self.random.choice((1, 1, 2))):
                assert post_event(told) == 200

    # -- the person in front of Stripe's pages ---------------------------------------------------------------

    def add_card(self, number: str) -> Card:
        """On Stripe's page; where the bank asks, it is answered. The card comes by event or nightly look."""
        with self.today():
            self._enter(hosted.card_page_url(self.account, BACK), number)
        self.live_until(self.day + timedelta(days=1))
        with self.today():
            return Card.objects.get(last4=number[-4:])

    def pay_online(self, number: str) -> None:
        """Pay the open invoice on Stripe's page. In two tabs it is the same page."""
        with self.today():
            invoice = Invoice.objects.get(state=InvoiceState.OPEN)
            page = hosted.payment_page_url(invoice, BACK)
            assert hosted.payment_page_url(invoice, BACK) == page
            assert self.server.enter_card(page, "4000 0000 0000 0002")[0] == 402, "declined at the till"
            self._enter(page, number)
            self.network()
            hosted.pages_look()  # as when the browser comes back

    def _enter(self, page: str, number: str) -> None:
        status, place = self.server.enter_card(page, number)
        if "/c/3ds/" in place:
            assert self.server.prove(place, "fail")[0] == 402, "the bank did not recognise them"
            status, place = self.server.enter_card(page, number)
            status, place = self.server.prove(place)
        assert status == 303 and "/billing/" in place

    # -- the two books ---------------------------------------------------------------------------------------

    def check_books(self, *, price_minor: int, untaxed_from: date, percent: int) -> None:
        """What Stripe took, what we wrote down and what this world had agree, to the cent and one for one."""
        # Without an actor mails about money are out of sight.
        with account_scope(self.account.pk), acting_as(SYSTEM):
            bills = list(Invoice.objects.order_by("effective_on"))
            assert {one.state for one in bills} == {InvoiceState.PAID}
            assert sorted(one.number or 0 for one in bills) == list(range(1, len(bills) + 1))
            for bill in bills:
                assert bill.effective_on and bill.issued_on
                on = min(bill.effective_on, bill.issued_on)
                net = price_minor * max(self.billable.get(on - timedelta(days=ago), 0) for ago in range(7))
                rate = percent if bill.issued_on < untaxed_from else 0
                tax = int((Decimal(net * rate) / 100).quantize(Decimal(1), ROUND_HALF_UP))
                assert (bill.net_minor, bill.tax_minor, bill.total_minor) == (net, tax, net + tax)
            for bill, following in pairwise(bills):
                assert bill.until and following.effective_on
                assert bill.until <= following.effective_on, "each day is billed once"
            self._check_money(bills)
            self._check_rest()
            wrote = Delivery.objects.filter(
                address=BillingDetails.objects.get().email, letter="billing_receipt"
            )
            receipts = [subject.split(":")[0] for subject in wrote.values_list("subject", flat=True)]
            assert sorted(receipts) == sorted(f"Receipt {bill.reference}" for bill in bills)

    def _check_money(self, bills: list[Invoice]) -> None:
        customer = BillingDetails.objects.get().stripe_customer
        taken = [charge for charge in self.server.objects("charge") if charge["paid"]]
        assert {charge["customer"] for charge in taken} == {customer}
        theirs = [self._entry(charge) for charge in taken]
        came = Payment.objects.filter(state=PaymentState.SUCCEEDED).select_related("invoice")
        ours = [
            (str(one.invoice.public_id), one.stripe_id, one.amount_minor, one.currency.lower()) for one in came
        ]
        owed = [(str(one.public_id), one.total_minor) for one in bills]
        assert sorted(theirs) == sorted(ours), "every charge there is a payment here, and the other way round"
        assert sorted((entry[0], entry[2]) for entry in theirs) == sorted(owed), "each invoice was charged once"

    def _entry(self, charge: dict[str, Any]) -> tuple[str, str, int, str]:
        metadata = charge["metadata"]
        return metadata["everkeep_invoice"], charge["payment_intent"], charge["amount"], charge["currency"]

    def _check_rest(self) -> None:
        """Nothing is under way on either side, and both know the same cards, pages and refusals."""
        intents = {one["id"]: one["status"] for one in self.server.objects("payment_intent")}
        ours = dict(Payment.objects.exclude(stripe_id="").values_list("stripe_id", "state"))
        for intent, status in intents.items():
            if intent in ours or status == "succeeded":
                assert (status == "succeeded") == (ours[intent] == PaymentState.SUCCEEDED)
        assert set(ours) <= set(intents)
        assert not Payment.objects.filter(state=PaymentState.PENDING).exists()
        assert not StripeEvent.objects.filter(handled_at=None).exists()
        pages = HostedPage.objects.filter(purpose__in=PagePurpose.values)
        state = {"complete": PageState.DONE, "expired": PageState.CLOSED}
        sessions = {one["id"]: state[one["status"]] for one in self.server.objects("checkout.session")}
        assert dict(pages.values_list("stripe_id", "state")) == sessions
        kept = {one["id"] for one in self.server.objects("payment_method") if one["customer"]}
        assert set(Card.objects.values_list("stripe_id", flat=True)) == kept
