"""Sending letters: claimed by one worker, tried with growing pauses, given up visibly; several become one."""

import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.mails import note_mail
from apps.core.scope import every_account

from .digests import digest_of
from .enums import DeliveryState, Way
from .letters import Written, opened
from .models import Delivery
from .registry import NOTICE, TEST
from .rights import has_refused, may_read, reader_now
from .services import PAUSES
from .ways import GivenUp, NotNow, send_by

CLAIM: Final = timedelta(minutes=5)
AT_ONCE: Final = 50
SECONDS: Final = 20.0
"""One account keeps a worker no longer than this (and its last try): the next one goes on with it."""
LIMIT_KEY: Final = "daily limit"
KEPT, ROW_KEPT = timedelta(days=30), timedelta(days=365)
BATCH: Final = 2000


def accounts_due() -> list[int]:
    """The accounts that have something to send now."""
    with every_account("the letters of all accounts are sent"):
        rows = Delivery.objects.filter(_may_be_sent(clock.now())).order_by()
        return list(rows.values_list("account_id", flat=True).distinct())


def send_due() -> int:
    """Send what is due of the account in force, a bounded number; returns how many tries that were."""
    tried, ends = 0, time.monotonic() + SECONDS
    while tried < AT_ONCE and time.monotonic() < ends and (claim := _claim()) is not None:
        _try(claim)
        tried += 1
    return tried


def _claim() -> Delivery | None:
    """Take the next one; the moment until which it is ours is also the token."""
    now = clock.now()
    for pk in (
        Delivery.objects.filter(_may_be_sent(now))
        .order_by("next_try_at", "pk")
        .values_list("pk", flat=True)[:5]
    ):
        mine = Delivery.objects.filter(_may_be_sent(now), pk=pk)
        if mine.update(claimed_until=now + CLAIM, tries=F("tries") + 1):
            return Delivery.objects.select_related("recipient").get(pk=pk)
    return None


def _try(delivery: Delivery) -> None:
    why_not = _stopped(delivery)
    if why_not:
        _settle(delivery, DeliveryState.STOPPED, why_not)
        return
    if not delivery.digest_key and _is_over_limit(delivery):
        _put_off(delivery)
        return
    together = _gather(delivery)
    try:
        send_by(delivery, _words(delivery, together))
    except GivenUp as error:
        _settle(delivery, DeliveryState.FAILED, str(error))
    except NotNow as error:
        _later(delivery, str(error))
    except EverkeepError as error:
        _later(delivery, f"{error.what} {error.do}".strip())
    else:
        _settle(delivery, DeliveryState.DELIVERED, "")


def _stopped(delivery: Delivery) -> str:
    """Why it is not sent any more; "" when it is: rights and wishes may have changed since it was written."""
    if delivery.kind == NOTICE:
        return ""
    if not may_read(
        reader_now(delivery), delivery.kind, service=delivery.service, entity_id=delivery.entity_id
    ):
        return "The recipient may not read it any more."
    if delivery.way == Way.MAIL and has_refused(delivery.address, delivery.kind):
        return "The recipient does not want these letters any more."
    return ""


def _is_over_limit(delivery: Delivery) -> bool:
    lately = Delivery.objects.filter(
        address=delivery.address, settled_at__gt=clock.now() - timedelta(days=1), digest=None
    )
    return lately.filter(state=DeliveryState.DELIVERED).count() >= int(settings.LETTERS_A_DAY)


def _put_off(delivery: Delivery) -> None:
    """Let it go out tomorrow, in one mail with all others that are too many for today."""
    first = Delivery.objects.filter(
        address=delivery.address, kind=delivery.kind, digest_key=LIMIT_KEY, state=DeliveryState.WAITING
    )
    when = first.values_list("next_try_at", flat=True).first() or clock.now() + timedelta(days=1)
    _mine(delivery).update(
        digest_key=LIMIT_KEY,
        next_try_at=when,
        claimed_until=None,
        tries=0,
        said=f"More than {settings.LETTERS_A_DAY} in one day: it goes out with others, later.",
    )


def _gather(delivery: Delivery) -> list[Delivery]:
    """All that goes out with it: of the same key to the same recipient. Another worker leaves them alone."""
    if not delivery.digest_key:
        return []
    others = Delivery.objects.filter(
        address=delivery.address,
        recipient=delivery.recipient,
        kind=delivery.kind,
        digest_key=delivery.digest_key,
        state=DeliveryState.WAITING,
    ).exclude(pk=delivery.pk)
    others.filter(Q(digest=None) & _free(clock.now())).update(
        digest=delivery, next_try_at=None, claimed_until=None
    )
    return list(others.filter(digest=delivery).order_by("pk"))


def _words(delivery: Delivery, together: list[Delivery]) -> Written:
    return digest_of([delivery, *together]) if together else opened(delivery)


def _later(delivery: Delivery, said: str) -> None:
    if delivery.tries > len(PAUSES) or delivery.kind == TEST or not delivery.sealed_body:
        _settle(delivery, DeliveryState.FAILED, said)
        return
    pause = PAUSES[delivery.tries - 1]
    _mine(delivery).update(said=said[:300], next_try_at=clock.now() + pause, claimed_until=None)


@transaction.atomic
def _settle(delivery: Delivery, state: DeliveryState, said: str) -> None:
    now = clock.now()
    done = _mine(delivery).update(
        state=state, said=said[:300], settled_at=now, next_try_at=None, claimed_until=None
    )
    if not done:
        return
    Delivery.objects.filter(digest=delivery.pk, state=DeliveryState.WAITING).update(
        state=state, said=said[:300], settled_at=now, claimed_until=None
    )
    if delivery.way == Way.MAIL and state != DeliveryState.STOPPED:
        note_mail(
            delivery.letter,
            delivery.subject,
            delivery.address,
            is_sent=state == DeliveryState.DELIVERED,
            service=delivery.service,
            entity_id=delivery.entity_id,
        )


def _mine(delivery: Delivery) -> "QuerySet[Delivery]":
    """The row, while it is still in our hands."""
    return Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.WAITING, claimed_until=delivery.claimed_until
    )


def _free(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lt=now)


def _may_be_sent(now: datetime) -> Q:
    return _free(now) & Q(state=DeliveryState.WAITING, next_try_at__lte=now)


def forget_old() -> int:
    """Forget the words of what is a month old, and rows after a year; returns how many rows went."""
    now = clock.now()
    with every_account("old letters of all accounts are forgotten"):
        old = Delivery.objects.filter(created_at__lt=now - KEPT).exclude(sealed_body=b"")
        old.exclude(state=DeliveryState.WAITING).update(sealed_body=b"")
        gone = 0
        while keys := list(
            Delivery.objects.filter(created_at__lt=now - ROW_KEPT).values_list("pk", flat=True)[:BATCH]
        ):
            gone += Delivery.objects.filter(pk__in=keys).delete()[0]
    return gone
