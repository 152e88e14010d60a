"""What an account is called, and where it is."""

from django.db import transaction

from apps.activity.audit import audit
from apps.core.scope import account_scope

from ..enums import Location
from ..models import Account


@transaction.atomic
def account_rename(*, account: Account) -> None:
    """Save the new name of an account."""
    before = Account.objects.values_list("name", flat=True).get(pk=account.pk)
    if before != account.name:
        account.save(update_fields=["name"])
        audit("account.renamed", description=f"From “{before}” to “{account.name}”.")


@transaction.atomic
def account_relocate(*, account: Account, location: str) -> None:
    """Change where the account's next vault is made; for support alone (features ACC-12)."""
    before, account.location = account.get_location_display(), location
    account.save(update_fields=["location"])
    with account_scope(account.pk):
        audit("account.relocated", description=f"From {before} to {Location(location).label}, by support.")
