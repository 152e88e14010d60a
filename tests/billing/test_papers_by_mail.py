"""An invoice that takes its paper along is drawn and mailed once its number is given and nothing is held."""

from typing import Any

import pytest

from apps.accounts.models import Account
from apps.billing import mails
from apps.billing.enums import Interval, InvoiceAs
from apps.billing.models import BillingDetails, Invoice
from apps.billing.services import meter_day_store, run_billing_day, subscription_request
from apps.billing.services.plans import plan_invoice, subscription_of
from apps.notifications.letters import opened
from apps.notifications.models import Delivery
from tests.billing.conftest import BEGIN, at, live, mailboxes

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def sent() -> list[Delivery]:
    return list(Delivery.objects.filter(letter="billing_invoice"))


@pytest.fixture
def attached(account: Account, no_charger: None) -> Account:
    """A monthly plan paid by hand, on its first paid day; invoices come as attachment."""
    BillingDetails.objects.update(invoice_as=InvoiceAs.ATTACHMENT)
    subscription_request(interval=Interval.MONTH)
    return account


def test_the_paper_is_drawn_after_the_commit_and_goes_out_once(
    attached: Account, django_capture_on_commit_callbacks: Any
) -> None:
    with at(BEGIN):
        meter_day_store(BEGIN, mailboxes(3))
        with django_capture_on_commit_callbacks() as waiting:
            assert plan_invoice(subscription_of(), BEGIN)
            assert sent() == [] and Invoice.objects.get().pdf is None
        for callback in waiting:
            callback()
    to = {each.address for each in sent()}
    assert len(sent()) == len(to) > 1
    names = {each.name for delivery in sent() for each in opened(delivery).attachments}
    assert names == {"INV-000001.pdf"} and Invoice.objects.get().pdf is not None
    assert mails.mail_due_invoices() == 0 and len(sent()) == len(to)


def test_nothing_is_drawn_under_the_lock_and_what_a_killed_worker_left_goes_out_in_the_next_hour(
    attached: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(BEGIN):
        live(attached, BEGIN, BEGIN, looks=1)
        Invoice.objects.update(mail_due=False)
        Delivery.objects.all().delete()
        plan = subscription_of()
        plan.invoiced_to = Invoice.objects.get().until
        with monkeypatch.context() as patched:
            patched.setattr("apps.billing.paper.drawn", lambda invoice: pytest.fail("a lock is held"))
            assert plan_invoice(plan, BEGIN)
        late = Invoice.objects.get(number=2)
        assert late.mail_due and sent() == []
        run_billing_day(attached.pk, BEGIN)
        assert sent() and not Invoice.objects.get(number=2).mail_due
