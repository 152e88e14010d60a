"""Cancelling an account, and taking that back for seven days (features ACC-13, ACC-14)."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from apps.activity.audit import audit
from apps.activity.services import record
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..enums import AccountState, ClosingCause
from ..models import Account
from ..registry import stop_backups
from .people import administrators

GRACE = timedelta(days=7)
LIVING = (AccountState.TRIAL, AccountState.ACTIVE)


def account_close(*, account_id: int, cause: str = ClosingCause.CANCELLED) -> Account:
    """Begin the end of an account: backups stop now, everything is deleted after GRACE unless taken back.

    All administrators are told. Raises Conflict when it is being closed already.
    """
    now = clock.now()
    with transaction.atomic(), account_scope(account_id):
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


def account_reactivate(*, account_id: int) -> Account:
    """Take a closing back: the account is what it was before. Raises Conflict once deletion has begun.

    The state in the WHERE decides against the deletion that may begin at this moment: one of both wins.
    """
    with transaction.atomic(), account_scope(account_id):
        closing = Account.objects.filter(pk=account_id, state=AccountState.CLOSING)
        if not closing.update(state=F("state_before"), **OPEN_AGAIN):
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
    return account


OPEN_AGAIN = {
    "state_before": "",
    "closing_since": None,
    "closes_at": None,
    "closing_cause": "",
    "counted_at": None,
    "counted_seconds": 0,
}


def tell(mail: str, account: Account) -> None:
    """Write to all administrators about the closing of their account, with its date and the way back."""
    mail_after_commit(
        mail,
        administrators(account.pk),
        account=account,
        link="/account/state/",
        link_words="See what happens, and keep the account",
    )


def remind() -> int:
    """Write once more on the last day of the grace. Returns how many accounts were written about."""
    soon = Account.objects.filter(
        state=AccountState.CLOSING, closing_told=False, closes_at__lte=clock.now() + timedelta(days=1)
    )
    told = 0
    for account in soon:
        with transaction.atomic():
            if Account.objects.filter(pk=account.pk, closing_told=False).update(closing_told=True):
                tell("account_closing_soon", account)
                told += 1
    return told
