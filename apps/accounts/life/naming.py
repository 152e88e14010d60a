"""What an account is called, and where it is."""

from django.db import transaction

from apps.activity.audit import audit
from apps.core.scope import account_scope

from ..enums import Location
from ..models import Account


@transaction.atomic
def account_rename(*, account: Account, name: str) -> None:
    """Give the account another name."""
    before, account.name = account.name, name
    if before != name:
        account.save(update_fields=["name"])
        audit("account.renamed", description=f"From “{before}” to “{name}”.")


@transaction.atomic
def account_zone_set(*, account: Account, zone: str) -> None:
    """Let the account's days begin elsewhere: retention goes by it from its next look on."""
    before, account.time_zone = account.time_zone, zone
    if before != zone:
        account.save(update_fields=["time_zone"])
        audit("account.zone_changed", description=f"From {before} to {zone}.")


@transaction.atomic
def account_relocate(*, account: Account, location: str) -> None:
    """Change where the account's next vault is made; for support alone (features ACC-12)."""
    before, account.location = account.get_location_display(), location
    account.save(update_fields=["location"])
    with account_scope(account.pk):
        audit("account.relocated", description=f"From {before} to {Location(location).label}, by support.")
