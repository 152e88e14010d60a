"""Payment, daily run, cancellation and closing of one account at once. On PostgreSQL, which locks rows."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.accounts.approvals import propose
from apps.accounts.enums import AccountState, ClosingCause
from apps.accounts.life.closing import account_reactivate
from apps.accounts.models import Account, Membership
from apps.accounts.selectors import actor_of
from apps.accounts.services import account_close, account_suspend
from apps.billing.enums import Interval, InvoiceState, SubscriptionState
from apps.billing.models import Invoice, Subscription
from apps.billing.services import (
    payment_succeeded,
    payments,
    recovering,
    run_billing_day,
    subscription_of,
    troubles,
)
from apps.billing.services.plans import CANCEL
from apps.billing.services.troubles import plan_suspend
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from tests.billing.conftest import BEGIN, at
from tests.billing.stripe_rig import make_invoice
from tests.cast import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite lets one writer in at a time"),
]
ACTIVE, PAST_DUE, SUSPENDED = (
    SubscriptionState.ACTIVE,
    SubscriptionState.PAST_DUE,
    SubscriptionState.SUSPENDED,
)


class Beside:
    """Something that another worker does meanwhile, with a connection of its own."""

    def __init__(self, account: Account, act: Callable[[], Any]) -> None:
        self.result: Any = None
        self.trouble: BaseException | None = None
        self._account, self._act = account, act
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with account_scope(self._account.pk), acting_as(SYSTEM), at(BEGIN):
                self.result = self._act()
        except BaseException as error:
            self.trouble = error
        finally:
            connection.close()

    def begin(self) -> "Beside":
        self._thread.start()
        return self

    def begin_and_wait_for_us(self) -> None:
        """Return once it stands in line for a row that we hold."""
        self.begin()
        for _ in range(2000):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees its first look for ever
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                if cursor.fetchone()[0]:
                    return
            self._thread.join(0.01)
            if not self._thread.is_alive():
                break
        raise AssertionError(f"it never had to wait for us: {self.result!r} {self.trouble!r}")

    def end(self) -> Any:
        self._thread.join()
        if self.trouble is not None:
            raise self.trouble
        return self.result


def in_the_midst(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, beside: Beside) -> None:
    """Let `beside` begin just before `module` calls `name`, and wait for us."""
    real, begun = getattr(module, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        if not begun:
            begun.append(True)
            beside.begin_and_wait_for_us()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, call)


def owing(account: Account, state: str) -> tuple[Subscription, Invoice]:
    """A plan in this state, whose only invoice should have been paid long ago."""
    plan = subscription_of()
    plan.state, plan.interval, plan.started_on = state, Interval.MONTH, BEGIN - timedelta(days=60)
    plan.period_start = plan.period_end = plan.invoiced_to = BEGIN + timedelta(days=20)
    plan.stopped_on = BEGIN if state == SUSPENDED else None
    plan.save()
    if state == SUSPENDED:
        account_suspend(account_id=account.pk, why="Not paid.")
    first = BEGIN - timedelta(days=90 - Invoice.objects.count())
    invoice = make_invoice(account, subscription=plan, due_on=BEGIN - timedelta(days=40), effective_on=first)
    return plan, invoice


def pay(invoice: Invoice) -> Callable[[], Any]:
    return lambda: payment_succeeded(invoice, stripe_id=f"pi_{invoice.pk}", amount_minor=invoice.total_minor)


def close(account: Account, cause: str) -> None:
    with suppress(Conflict):  # there is a plan by then
        account_close(account_id=account.pk, cause=cause)


def as_owner(cast: Cast, act: Callable[[], Any]) -> Callable[[], Any]:
    def acted() -> Any:
        with acting_as(actor_of(Membership.objects.get(account=cast.account, user=cast.owner))):
            return act()

    return acted


def stands() -> tuple[str, bool]:
    """The plan's state, and whether its account's backups are stopped."""
    plan = Subscription.objects.select_related("account").get()
    return plan.state, plan.account.suspended_at is not None


def test_paid_while_the_suspension_is_being_written_the_account_is_not_suspended(
    account: Account, no_charger: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(BEGIN):
        plan, invoice = owing(account, PAST_DUE)
        paying = Beside(account, pay(invoice))
        in_the_midst(monkeypatch, troubles, "account_suspend", paying)
        assert plan_suspend(plan, BEGIN, invoice), "it was not paid when this began"
        paying.end()
        assert stands() == (ACTIVE, False)


def test_a_suspension_that_begins_while_a_payment_is_being_written_finds_it_paid(
    account: Account, no_charger: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(BEGIN):
        plan, invoice = owing(account, PAST_DUE)
        suspending = Beside(account, lambda: plan_suspend(plan, BEGIN, invoice))
        in_the_midst(monkeypatch, payments, "mail_invoice", suspending)
        pay(invoice)()
        assert suspending.end() is False and stands() == (ACTIVE, False)


@pytest.mark.parametrize("state", [PAST_DUE, SUSPENDED])
def test_who_ends_the_plan_meanwhile_waits_and_nobody_is_thrown_out(
    cast: Cast, account: Account, no_charger: None, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Approvals hold the account before they ask billing: the daily run and a payment hold it first, too."""
    with at(BEGIN):
        plan, invoice = owing(account, state)
        ending = Beside(account, as_owner(cast, lambda: propose(CANCEL, {}, "Cancel the subscription")))
        if state == PAST_DUE:
            in_the_midst(monkeypatch, troubles, "account_suspend", ending)
            assert plan_suspend(plan, BEGIN, invoice)
            with pytest.raises(Conflict, match="no plan to cancel"):
                ending.end()
        else:
            in_the_midst(monkeypatch, recovering, "account_activate_plan", ending)
            pay(invoice)()
            assert ending.end().done and Subscription.objects.get().cancel_at_end
            assert stands() == (ACTIVE, False)


def test_payment_daily_run_and_closing_at_once_leave_account_and_plan_of_one_mind(
    account: Account, no_charger: None
) -> None:
    with at(BEGIN):
        for cause in (ClosingCause.NO_PLAN, ClosingCause.CANCELLED):
            all_at_once(account, cause)
            now = Account.objects.get(pk=account.pk)
            if cause == ClosingCause.CANCELLED:
                account_reactivate(account_id=account.pk)
            else:
                assert now.state == AccountState.ACTIVE, "who paid is not closed for want of a plan"
            assert stands() == (ACTIVE, False)


def all_at_once(account: Account, cause: str) -> None:
    """Of a suspended plan: it is paid, by two workers, the hour looks after it, and its account is closed."""
    _, invoice = owing(account, SUSPENDED)
    acts: list[Callable[[], Any]] = [
        pay(invoice),
        lambda: run_billing_day(account.pk, BEGIN),
        lambda: close(account, cause),
        pay(invoice),
    ]
    for each in [Beside(account, act).begin() for act in acts]:
        each.end()
    assert Invoice.objects.get(pk=invoice.pk).state == InvoiceState.PAID
