"""The one order in which rows about money are held, so that no two of their writers wait for each other.

1. the account, 2. its plan, 3. an invoice, 4. a payment, a card or a page, 5. the number series, 6. the head of
the audit's chain. Who decides about the account (approvals, closing) holds it already when billing is called:
hence it comes first. All of these may be called again by who holds them already.
"""

from django.db import connection

from apps.accounts.models import Account
from apps.core.scope import current_account_id

from ..models import Invoice, Subscription


def money_locked() -> Subscription | None:
    """Hold the account in force and its plan until the transaction ends; returns the plan as it stands now."""
    assert connection.in_atomic_block, "what is held must be held until something is written"
    Account.objects.select_for_update(no_key=True).get(pk=current_account_id())
    return Subscription.objects.select_for_update().filter(account_id=current_account_id()).first()


def plan_locked(subscription: Subscription) -> Subscription:
    """The same for a plan that was read before: it as it stands now."""
    money_locked()
    return Subscription.objects.select_for_update().get(pk=subscription.pk)


def invoice_locked(invoice: Invoice) -> Invoice:
    """The same, and an invoice as it stands now."""
    money_locked()
    return Invoice.objects.select_for_update().get(pk=invoice.pk)
