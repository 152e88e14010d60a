"""An account whose plan is not paid for: nothing new is backed up; reading, restore and export go on."""

from django.db import transaction

from apps.activity.audit import audit
from apps.core import clock
from apps.core.scope import account_scope

from ..models import Account
from ..registry import stop_backups
from .closing import LIVING


def account_suspend(*, account_id: int, why: str) -> bool:
    """Stop backups until `account_activate_plan`; False when they are stopped for this already."""
    with transaction.atomic(), account_scope(account_id):
        rows = Account.objects.filter(pk=account_id, state__in=LIVING, suspended_at=None)
        if not rows.update(suspended_at=clock.now()):
            return False
        stop_backups(account_id)
        audit("account.suspended", description=f"{why} Nothing new is backed up; recovery works.")
    return True
