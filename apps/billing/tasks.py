"""Doors of the workers."""

from celery import shared_task

from apps.accounts.enums import AccountState
from apps.accounts.models import Account
from apps.core import clock

from .models import MeterDay
from .registry import counted_now
from .services import meter_day_store, run_billing_day


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def bill_all() -> int:
    """Send every account to `bill_account`, once an hour; returns how many.

    Also where nothing is charged: people see there what is counted.
    """
    accounts = Account.objects.exclude(state=AccountState.ENDING)
    for account_id in accounts.values_list("pk", flat=True):
        bill_account.after_commit(account_id=account_id)
    return accounts.count()


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def bill_account(*, account_id: int) -> None:
    """Count the day, when nobody has yet, and do what is due. The task's base class enters the scope."""
    today = clock.now().date()
    if not MeterDay.objects.filter(day=today).exists():
        meter_day_store(today, counted_now())
    run_billing_day(account_id, today)
