"""Which customer of Stripe's an account is: the one fact that all that Stripe tells is judged by."""

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Account
from apps.accounts.registry import StepResult
from apps.core.errors import RemoteError
from apps.core.scope import current_account_id, every_account

from ..models import BillingDetails
from .chosen import required


class Foreign(RemoteError):
    """An object of Stripe's that belongs to another customer, or to none of ours: never applied."""

    code = "stripe_foreign"


def customer_ensure(account: Account) -> str:
    """The id of the account's customer. Killed after Stripe made it, the next call gets the same one."""
    details = BillingDetails.objects.filter(account=account).first()
    if details is not None and details.stripe_customer:
        return details.stripe_customer
    processor = required()
    made = processor.customer_make(account.public_id)
    name = str(details) if details is not None else ""
    processor.customer_tell(made, name=name or account.name, email=details.email if details else "")
    with transaction.atomic():
        details, _ = BillingDetails.objects.select_for_update().get_or_create(account_id=account.pk)
        if not details.stripe_customer:
            details.stripe_customer = made
            details.save(update_fields=["stripe_customer"])
    return details.stripe_customer


def customer_forget(account_id: int) -> StepResult:
    """A step of deleting an account: its customer and cards at Stripe go, not what was paid."""
    customer = customer_here()
    if not customer or not settings.STRIPE_KEY:
        return StepResult()
    required().customer_forget(customer)
    BillingDetails.objects.filter(account_id=account_id).update(stripe_customer="")
    return StepResult(proof={"card_customer": 1})


def customer_here() -> str:
    """The customer of the account in force; "" when it has none."""
    details = BillingDetails.objects.first()
    return details.stripe_customer if details is not None else ""


def account_here() -> Account:
    """The account in force."""
    return Account.objects.get(pk=current_account_id())


def account_of(customer: str) -> int | None:
    """The id of the account that is this customer."""
    if not customer:
        return None
    with every_account("a webhook says whose it is by the customer's id only"):
        found = BillingDetails.objects.filter(stripe_customer=customer).first()
    return found.account_id if found is not None else None


def check_ours(customer: str) -> None:
    """Raise Foreign for what belongs to anybody but the account in force."""
    ours = customer_here()
    if not ours or customer != ours:
        raise Foreign("This belongs to another customer of Stripe's. Nothing was changed.")
