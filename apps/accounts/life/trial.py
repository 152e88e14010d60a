"""The trial of 14 days, its end, and what buying a plan does to an account (features ACC-15)."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..enums import AccountState, ClosingCause
from ..models import Account
from ..registry import stop_backups
from .closing import LIVING, OPEN_AGAIN, account_close
from .grace import count_on
from .people import administrators

TOLD_AT = (7, 3, 1)  # days before the end
AFTER_END = timedelta(days=14)  # read-only; then the account is closed, with the seven days of every closing


def days_left(account: Account) -> int | None:
    """Whole days of the trial that are left, at least 0; None when this account's trial does not end."""
    if not settings.BILLING or account.state != AccountState.TRIAL or account.trial_ends_at is None:
        return None
    left = account.trial_ends_at - clock.now()
    return max(0, -(-int(left.total_seconds()) // 86400))


def is_over(account: Account) -> bool:
    """Whether the trial has ended, so that nothing is backed up any more."""
    return days_left(account) is not None and account.trial_ends_at <= clock.now()  # type: ignore[operator]


def stopped() -> QuerySet[Account]:
    """The accounts for which nothing is backed up: being closed, being deleted, trial over."""
    asleep = ~Q(state__in=LIVING)
    if settings.BILLING:
        asleep |= Q(state=AccountState.TRIAL, trial_ends_at__lte=clock.now())
    return Account.objects.filter(asleep)


def account_activate_plan(*, account_id: int) -> Account:
    """A plan was bought: the account is active, whether its trial runs, is over, or it is closed for that.

    Raises Conflict where the owner has cancelled the account, or it is being deleted.
    """
    with transaction.atomic(), account_scope(account_id):
        for_want_of_a_plan = Q(state=AccountState.CLOSING, closing_cause=ClosingCause.TRIAL)
        rows = Account.objects.filter(Q(state__in=LIVING) | for_want_of_a_plan, pk=account_id)
        if not rows.update(state=AccountState.ACTIVE, trial_ends_at=None, trial_told=None, **OPEN_AGAIN):
            raise Conflict("This account is being closed.", do="Reactivate it first.")
        audit("account.plan_activated", description="The account has a plan. Its trial has no end any more.")
    return Account.objects.get(pk=account_id)


def trials_look_after() -> int:
    """Write at 7, 3 and 1 days and at the end; close what was over for AFTER_END. Returns the mails sent."""
    if not settings.BILLING:
        return 0
    told = 0
    trials = Account.objects.filter(state=AccountState.TRIAL, trial_ends_at__isnull=False)
    soon = clock.now() + timedelta(days=max(TOLD_AT))
    # Prolonged, or told by a clock that was wrong: begin anew.
    trials.filter(trial_told__isnull=False, trial_ends_at__gt=soon).update(
        trial_told=None, counted_at=None, counted_seconds=0
    )
    for account in trials.filter(trial_ends_at__lte=soon):
        told += _tell(account)
        if is_over(account) and count_on(account) >= AFTER_END and account.trial_told == 0:
            account_close(account_id=account.pk, cause=ClosingCause.TRIAL)
    return told


def _tell(account: Account) -> bool:
    """Write what the trial comes to, each thing once: after a pause only the newest."""
    left = 0 if is_over(account) else days_left(account) or 1
    due = min((day for day in (*TOLD_AT, 0) if left <= day), default=None)
    if due is None or (account.trial_told is not None and account.trial_told <= due):
        return False
    with transaction.atomic(), account_scope(account.pk):
        if not Account.objects.filter(pk=account.pk, trial_told=account.trial_told).update(trial_told=due):
            return False
        account.trial_told = due
        if due == 0:
            stop_backups(account.pk)
            audit(
                "account.trial_ended", description="The trial has ended. Backups stop until a plan is chosen."
            )
        mail_after_commit(
            "trial_ends" if due else "trial_ended",
            administrators(account.pk),
            account=account,
            days=left,
            closed_on=(account.trial_ends_at or clock.now()) + AFTER_END,
            link="/account/state/",
            link_words="See what you can do",
        )
    return True
