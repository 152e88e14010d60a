"""Cancelling an account, and taking that back for seven days (features ACC-13, ACC-14)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least

from apps.activity.audit import audit
from apps.activity.services import record
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope, current_account_id

from ..enums import WANT_OF_A_PLAN, AccountState, ClosingCause
from ..models import Account, Membership
from ..registry import stop_backups, tell_returned, veto_on
from .grace import seen
from .people import administrators
from .trying import tried

GRACE = timedelta(days=7)
LAST_DAY = timedelta(days=1)
LIVING = (AccountState.TRIAL, AccountState.ACTIVE)


def account_close(*, account_id: int, cause: str = ClosingCause.CANCELLED) -> Account:
    """Begin the end of an account: backups stop now, everything is deleted after GRACE unless taken back.

    All administrators are told. Raises Conflict when it is being closed already, or must not be for want of
    a plan while one is on its way (`registry.register_veto`).
    """
    now = clock.now()
    with transaction.atomic(), account_scope(account_id):
        if cause in WANT_OF_A_PLAN and (held := veto_on(account_id, cause)):
            raise Conflict(f"{held} The account stays open.", do="Answer it first.")
        begun = Account.objects.filter(pk=account_id, state__in=LIVING).update(
            state_before=F("state"),
            state=AccountState.CLOSING,
            closing_since=now,
            closes_at=now + GRACE,
            closing_cause=cause,
            closing_told=False,
            counted_at=now,
            counted_seconds=0,
        )
        if not begun:
            raise Conflict("This account is being closed already.", do="Load the page again.")
        account = Account.objects.get(pk=account_id)
        stop_backups(account_id)
        why = ClosingCause(cause).label
        audit(
            "account.closing", description=f"{why}. Everything is deleted after {account.closes_at:%-d %B %Y}."
        )
        record("account.closing", item_label=account.name, subject_id=account.public_id, cause=cause)
        tell("account_closing", account)
    return account


def close_by_owner(payload: dict[str, Any]) -> None:
    """Cancel the account as its owner wished, who must own it still. An act of the two-person rule."""
    account_id = current_account_id()
    if not Membership.objects.filter(account=account_id, user=payload["owner"], is_owner=True).exists():
        raise Conflict("Who wanted to cancel the account does not own it any more.", do="Refuse it.")
    account_close(account_id=account_id)


def closing_words(payload: dict[str, Any]) -> str:
    """What cancelling means."""
    return (
        f"Backups stop at once. After {GRACE.days} days all backups, settings and people of this account are "
        "deleted for ever. Until then every administrator can take it back."
    )


def account_reactivate(*, account_id: int) -> Account:
    """Take a closing back: the account is what it was before. Raises Conflict once deletion has begun.

    So it does where only a plan brings the account back. The state in the WHERE decides against the deletion
    that may begin at this moment: one of both wins.
    """
    with transaction.atomic(), account_scope(account_id):
        closing = Account.objects.filter(pk=account_id, state=AccountState.CLOSING)
        free = closing.exclude(closing_cause__in=WANT_OF_A_PLAN) if settings.BILLING else closing
        if not free.update(state=F("state_before"), **OPEN_AGAIN):
            if closing.exists():
                raise Conflict("This account has no plan that is paid for.", do="Choose a plan under Billing.")
            raise Conflict("This account is not being closed, or its deletion has begun.")
        account = Account.objects.get(pk=account_id)
        audit("account.reactivated", description="The account stays. Backups go on.")
        record("account.reactivated", item_label=account.name, subject_id=account.public_id)
        mail_after_commit(
            "account_reactivated",
            administrators(account_id),
            account=account.name,
            link="/",
            link_words="Open it",
        )
    with account_scope(account_id):
        tell_returned(account_id)
    return account


OPEN_AGAIN = {
    "state_before": "",
    "closing_since": None,
    "closes_at": None,
    "closing_cause": "",
    "counted_at": None,
    "counted_seconds": 0,
}


def tell(mail: str, account: Account, sent: Callable[[], None] | None = None) -> None:
    """Write to all administrators about the closing of their account, with its date and the way back."""
    mail_after_commit(
        mail,
        administrators(account.pk),
        account=account,
        link="/account/state/",
        link_words="See what happens, and keep the account",
        sent=sent,
    )


def going_on() -> QuerySet[Account]:
    """The closings that lead to a deletion. Without billing nobody loses anything for want of a plan."""
    closing = Account.objects.filter(state=AccountState.CLOSING)
    return closing if settings.BILLING else closing.exclude(closing_cause__in=WANT_OF_A_PLAN)


def given_up() -> QuerySet[Account]:
    """The accounts whose contents are to go, or are going."""
    return going_on() | Account.objects.filter(state=AccountState.ENDING)


def held_up(account: Account, cause: str = "") -> bool:
    """Whether something is on its way that the account must not go before. `cause`: of a closing to come."""
    with transaction.atomic(), account_scope(account.pk):
        return bool(veto_on(account.pk, cause or account.closing_cause))


def remind() -> int:
    """Write once more on the last day of the grace; no deletion begins before that. Returns how many were told.

    Not before most of the grace was seen to pass: a clock that jumps would spend this mail too early.
    """
    soon = going_on().filter(
        closing_told=False, closes_at__lte=clock.now() + LAST_DAY, **seen(GRACE - 2 * LAST_DAY)
    )
    return sum(
        tried(f"the reminder of account {account.public_id}", partial(_remind, account), False)
        for account in soon
    )


def _remind(account: Account) -> bool:
    """The mail of the last day. A day is left from then on, however late it goes out."""
    if held_up(account):
        return False
    account.closes_at = max(account.closes_at or clock.now(), clock.now() + LAST_DAY - timedelta(hours=1))
    with transaction.atomic(), account_scope(account.pk):
        tell("account_closing_soon", account, partial(_reminded, account))
    return account.closing_told


def _reminded(account: Account) -> None:
    six_days = int((GRACE - LAST_DAY).total_seconds())
    account.closing_told = bool(
        Account.objects.filter(pk=account.pk, state=AccountState.CLOSING, closing_told=False).update(
            closing_told=True, counted_seconds=Least("counted_seconds", six_days)
        )
    )
