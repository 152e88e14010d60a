"""What an account is called, and where it is."""

from django.db import transaction

from apps.activity.audit import audit
from apps.core import clock
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
    """Let the account's days begin elsewhere: for retention, those of backups that are taken from now on."""
    kept = Account.objects.select_for_update().get(pk=account.pk)
    before, account.time_zone = kept.time_zone, zone
    if before != zone:
        left = kept.zones_left | {before: clock.now().isoformat()}
        account.zones_left = {each: moment for each, moment in left.items() if each != zone}
        account.save(update_fields=["time_zone", "zones_left"])
        audit("account.zone_changed", description=f"From {before} to {zone}.")


@transaction.atomic
def account_relocate(*, account: Account, location: str) -> None:
    """Change where the account's next vault is made; for support alone (features ACC-12)."""
    before, account.location = account.get_location_display(), location
    account.save(update_fields=["location"])
    with account_scope(account.pk):
        audit("account.relocated", description=f"From {before} to {Location(location).label}, by support.")
