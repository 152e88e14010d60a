"""The trial of 14 days, its end, and what buying a plan does to an account (features ACC-15)."""

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..enums import WANT_OF_A_PLAN, AccountState, ClosingCause
from ..models import Account
from ..registry import stop_backups
from .closing import LIVING, OPEN_AGAIN, account_close, held_up
from .grace import count_on
from .people import administrators
from .trying import tried

TRIAL = timedelta(days=14)
TOLD_AT = (7, 3, 1)  # days before the end
AFTER_END = timedelta(days=14)  # read-only; then the account is closed, with the seven days of every closing


def trial_end(begun: datetime) -> datetime | None:
    """When a trial ends. Without billing it has no end: switching billing on gives it one."""
    return begun + TRIAL if settings.BILLING else None


def days_left(account: Account) -> int | None:
    """Whole days of the trial that are left, at least 0; None when this account's trial does not end.

    An end that is past and was never announced is none: `trials_look_after` sets a new one.
    """
    if not settings.BILLING or account.state != AccountState.TRIAL or account.trial_ends_at is None:
        return None
    left = account.trial_ends_at - clock.now()
    if account.trial_told is None and left <= timedelta(0):
        return None
    return max(0, -(-int(left.total_seconds()) // 86400))


def is_over(account: Account) -> bool:
    """Whether the trial has ended, so that nothing is backed up any more."""
    return days_left(account) is not None and account.trial_ends_at <= clock.now()  # type: ignore[operator]


def stopped() -> QuerySet[Account]:
    """The accounts for which nothing is backed up: being closed or deleted, trial over, plan not paid for."""
    asleep = ~Q(state__in=LIVING)
    if settings.BILLING:
        asleep |= Q(suspended_at__isnull=False)
        asleep |= Q(state=AccountState.TRIAL, trial_ends_at__lte=clock.now(), trial_told__isnull=False)
    return Account.objects.filter(asleep)


def account_activate_plan(*, account_id: int) -> Account:
    """A plan was bought, or paid for at last: the account is active, whether its trial runs, is over, it is
    suspended, or closed for want of a plan.

    Raises Conflict where the owner has cancelled the account, or it is being deleted.
    """
    with transaction.atomic(), account_scope(account_id):
        for_want_of_a_plan = Q(state=AccountState.CLOSING, closing_cause__in=WANT_OF_A_PLAN)
        rows = Account.objects.filter(Q(state__in=LIVING) | for_want_of_a_plan, pk=account_id)
        plan = {"state": AccountState.ACTIVE, "trial_ends_at": None, "trial_told": None, "suspended_at": None}
        if not rows.update(**plan, **OPEN_AGAIN):
            raise Conflict("This account is being closed.", do="Reactivate it first.")
        audit("account.plan_activated", description="The account has a plan. Its trial has no end any more.")
    return Account.objects.get(pk=account_id)


def trials_look_after() -> int:
    """Write at 7, 3 and 1 days and at the end; close what was over for AFTER_END. Returns who was told."""
    trials = Account.objects.filter(state=AccountState.TRIAL)
    if not settings.BILLING:
        # What was announced holds no more: should billing come back, everybody is told anew.
        trials.filter(trial_told__isnull=False).update(trial_told=None, counted_at=None, counted_seconds=0)
        return 0
    now = clock.now()
    # Opened or grown old while there was no billing: nobody told them of an end, so they get a whole trial.
    endless = Q(trial_ends_at=None) | Q(trial_told=None, trial_ends_at__lte=now)
    trials.filter(endless).update(
        trial_ends_at=trial_end(now), trial_told=None, counted_at=None, counted_seconds=0
    )
    soon = now + timedelta(days=max(TOLD_AT))
    # Prolonged, or told by a clock that was wrong: begin anew.
    anew = Q(trial_told__isnull=False, trial_ends_at__gt=soon) | Q(trial_told=0, trial_ends_at__gt=now)
    trials.filter(anew).update(trial_told=None, counted_at=None, counted_seconds=0)
    return sum(
        tried(f"the look after the trial of account {account.public_id}", partial(_look_after, account), False)
        for account in trials.filter(trial_ends_at__lte=soon)
    )


def _look_after(account: Account) -> bool:
    told = _tell(account)
    # Counted only once its end was told: whoever learned of it late has all of AFTER_END all the same.
    was_whole = account.trial_told == 0 and is_over(account) and count_on(account) >= AFTER_END
    if was_whole and not held_up(account, ClosingCause.TRIAL):
        account_close(account_id=account.pk, cause=ClosingCause.TRIAL)
    return told


def _tell(account: Account) -> bool:
    """Write what the trial comes to, each thing once: after a pause only the newest. True when it was sent."""
    left = 0 if is_over(account) else days_left(account) or 1
    due = min((day for day in (*TOLD_AT, 0) if left <= day), default=None)
    if due is None or (account.trial_told is not None and account.trial_told <= due):
        return False
    ends = account.trial_ends_at or clock.now()
    with transaction.atomic(), account_scope(account.pk):
        mail_after_commit(
            "trial_ends" if due else "trial_ended",
            administrators(account.pk),
            account=account,
            days=left,
            closed_on=(ends if due else max(ends, clock.now())) + AFTER_END,
            link="/account/state/",
            link_words="See what you can do",
            sent=partial(_told, account, due),
        )
    return account.trial_told == due


def _told(account: Account, due: int) -> None:
    """Somebody knows of it. A mail that did not go out leaves no mark, so that the next hour writes again."""
    with transaction.atomic(), account_scope(account.pk):
        if not Account.objects.filter(pk=account.pk, trial_told=account.trial_told).update(trial_told=due):
            return
        account.trial_told = due
        if due == 0:
            stop_backups(account.pk)
            audit(
                "account.trial_ended", description="The trial has ended. Backups stop until a plan is chosen."
            )
