"""Without a plan that is paid for: notices, then the closing of the account with its own seven days."""

import logging
from datetime import date, timedelta
from functools import partial

from django.db import transaction
from django.db.models.functions import Least

from apps.accounts.enums import AccountState, ClosingCause
from apps.accounts.models import Account
from apps.accounts.services import account_close
from apps.core.errors import Conflict
from apps.core.grace import count_on
from apps.core.mails import mail_after_commit

from ..enums import SubscriptionState
from ..mails import PAGE, payers
from ..models import Subscription
from ..rules import AFTER_STOP, TOLD_AT
from .holding import held_up
from .troubles import is_in_trouble

log = logging.getLogger("everkeep.billing")
STOPPED = (SubscriptionState.SUSPENDED, SubscriptionState.CANCELLED)


def look_after_stopped(account_id: int, today: date) -> None:
    """Count the grace on, write at 14, 7 and 1 days, close what had all of it and knows.

    A clock that jumps closes nothing: the days must have been seen to pass (`core.grace`).
    """
    subscription = Subscription.objects.filter(account_id=account_id, state__in=STOPPED).first()
    living = Account.objects.filter(pk=account_id, state=AccountState.ACTIVE)
    if subscription is None or subscription.stopped_on is None or not living.exists():
        return
    if subscription.state == SubscriptionState.SUSPENDED and not is_in_trouble(subscription, today):
        return
    seen = count_on(subscription)
    left = (subscription.stopped_on + AFTER_STOP - today).days
    if subscription.told is not None and left > subscription.told:
        # Told by a clock that was wrong: begin anew.
        subscription.told = None
        Subscription.objects.filter(pk=subscription.pk).update(told=None)
    _tell(subscription, left, today)
    was_whole = left <= 0 and seen >= AFTER_STOP and subscription.told == min(TOLD_AT)
    if was_whole and not _held_up(account_id):
        try:
            account_close(account_id=account_id, cause=ClosingCause.NO_PLAN)
        except Conflict as meanwhile:  # paid, or closed by its owner, since it was read
            log.info("account %d is not closed for want of a plan: %s", account_id, meanwhile)


def _held_up(account_id: int) -> bool:
    with transaction.atomic():
        return bool(held_up(account_id, ClosingCause.NO_PLAN))


def _tell(subscription: Subscription, left: int, today: date) -> None:
    due = min((day for day in TOLD_AT if left <= day), default=None)
    if due is None or (subscription.told is not None and subscription.told <= due):
        return
    with transaction.atomic():
        account = Account.objects.get(pk=subscription.account_id)
        mail_after_commit(
            "billing_ending",
            payers(),
            link=PAGE,
            link_words="Open billing",
            sent=partial(_told, subscription, due),
            account=account.name,
            days=max(left, 1),
            since=subscription.stopped_on,
            closes=today + timedelta(days=max(left, 1)),
        )


def _told(subscription: Subscription, due: int) -> None:
    """It went out. From the last notice on a day is left, however late it is."""
    fields = {"told": due}
    if due == min(TOLD_AT):
        day_before = int((AFTER_STOP - timedelta(days=1)).total_seconds())
        fields["counted_seconds"] = Least("counted_seconds", day_before)  # type: ignore[assignment]
    Subscription.objects.filter(pk=subscription.pk, told=subscription.told).update(**fields)
