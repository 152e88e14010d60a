"""Sending letters: claimed by one worker, tried with growing pauses, given up visibly; several become one."""

import logging
import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.accounts.models import Account
from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.mails import note_mail
from apps.core.scope import current_account_id, every_account

from .digests import digest_of
from .enums import NOTICE, TEST, DeliveryState, Way
from .letters import opened
from .models import Delivery
from .rights import has_refused, may_read, reader_now, still_goes_to, still_sees
from .services import PAUSES
from .ways import GivenUp, NotNow, send_by

CLAIM: Final = timedelta(minutes=5)
AT_ONCE: Final = 50
SECONDS: Final = 20.0
"""One account keeps a worker no longer than this (and its last try): the next one goes on with it."""
LIMIT_KEY: Final = "daily limit"
KEPT, ROW_KEPT = timedelta(days=30), timedelta(days=365)
BATCH: Final = 2000
log = logging.getLogger("everkeep.notifications")


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


@transaction.atomic
def _claim() -> Delivery | None:
    """Take the next one, and what goes out with it; the moment until which it is ours is also the token.

    One worker of an account at a time, so that two do not each take a half of what becomes one letter.
    """
    now = clock.now()
    if not Delivery.objects.filter(_may_be_sent(now)).exists():
        return None
    Account.objects.select_for_update(no_key=True).get(pk=current_account_id())
    due = Delivery.objects.filter(_may_be_sent(now)).order_by("next_try_at", "pk")
    delivery = due.select_related("recipient").first()
    if delivery is None:
        return None
    delivery.claimed_until, delivery.tries = now + CLAIM, delivery.tries + 1
    delivery.save(update_fields=["claimed_until", "tries"])
    if delivery.digest_key:
        _alike(delivery).filter(_free(now), digest=None).update(
            digest=delivery, next_try_at=None, claimed_until=None
        )
    return delivery


def _alike(delivery: Delivery) -> "QuerySet[Delivery]":
    """What waits of the same key for the same recipient."""
    return Delivery.objects.filter(
        address=delivery.address,
        recipient=delivery.recipient,
        kind=delivery.kind,
        digest_key=delivery.digest_key,
        state=DeliveryState.WAITING,
    ).exclude(pk=delivery.pk)


def _try(delivery: Delivery) -> None:
    why_not = _stopped(delivery)
    if why_not:
        _settle(delivery, DeliveryState.STOPPED, why_not)
    elif delivery.tries > len(PAUSES) + 1:
        _settle(delivery, DeliveryState.FAILED, "Each try broke off. The log of the workers says why.")
    elif not delivery.digest_key and _is_over_limit(delivery):
        _put_off(delivery)
    else:
        _send(delivery)


def _send(delivery: Delivery) -> None:
    together = _together(delivery)
    try:
        send_by(delivery, digest_of([delivery, *together]) if together else opened(delivery))
    except GivenUp as error:
        _settle(delivery, DeliveryState.FAILED, str(error))
    except NotNow as error:
        _later(delivery, str(error))
    except EverkeepError as error:
        _later(delivery, f"{error.what} {error.do}".strip())
    except Exception:
        # One letter that cannot be sent must not keep those behind it: it is tried again as the others are.
        log.exception("letter %s was not sent", delivery.public_id)
        _later(delivery, "Something of ours broke. The log of the workers says what.")
    else:
        _settle(delivery, DeliveryState.DELIVERED, "")


def _stopped(delivery: Delivery) -> str:
    """Why it is not sent any more; "" when it is: rights and wishes may have changed since it was written."""
    if delivery.kind == NOTICE:
        return ""
    reader = reader_now(delivery)
    may = may_read(reader, delivery.kind, service=delivery.service, entity_id=delivery.entity_id)
    goes = delivery.way != Way.MAIL or still_goes_to(delivery.address, delivery.kind)
    if not may or not goes or not still_sees(reader, delivery.made_for):
        return "The recipient may not read it any more."
    if delivery.way == Way.MAIL and has_refused(delivery.address, delivery.kind):
        return "The recipient does not want these letters any more."
    return ""


def _is_over_limit(delivery: Delivery) -> bool:
    since = clock.now() - timedelta(days=1)
    lately = _to_the_same(delivery).filter(settled_at__gt=since, digest=None)
    return lately.filter(state=DeliveryState.DELIVERED).count() >= int(settings.LETTERS_A_DAY)


def _to_the_same(delivery: Delivery) -> "QuerySet[Delivery]":
    """All that goes to one mailbox or hook: of hooks the address is the host, which many share."""
    if delivery.way == Way.MAIL:
        return Delivery.objects.filter(way=Way.MAIL, address=delivery.address)
    return Delivery.objects.filter(recipient=delivery.recipient)


def _put_off(delivery: Delivery) -> None:
    """Let it go out tomorrow, in one mail with all others that are too many for today."""
    first = _to_the_same(delivery).filter(kind=delivery.kind, digest_key=LIMIT_KEY, state=DeliveryState.WAITING)
    when = first.values_list("next_try_at", flat=True).first() or clock.now() + timedelta(days=1)
    _mine(delivery).update(
        digest_key=LIMIT_KEY,
        next_try_at=when,
        claimed_until=None,
        tries=0,
        said=f"More than {settings.LETTERS_A_DAY} in one day: it goes out with others, later.",
    )


def _together(delivery: Delivery) -> list[Delivery]:
    """What goes out with it, of what the recipient may still read."""
    if not delivery.digest_key:
        return []
    rows = _alike(delivery).filter(digest=delivery).select_related("recipient").order_by("pk")
    gathered = list(rows.defer("sealed_body"))  # thousands may wait; only what is told of is opened
    gone = {one.pk: why for one in gathered if _names_more(one, delivery) and (why := _stopped(one))}
    for pk, why in gone.items():
        Delivery.objects.filter(pk=pk).update(
            state=DeliveryState.STOPPED, said=why, settled_at=clock.now(), digest=None
        )
    return [one for one in gathered if one.pk not in gone]


def _names_more(one: Delivery, first: Delivery) -> bool:
    """Whether a letter must be judged beside the one that it goes out with."""
    return one.entity_id is not None or (one.service, one.made_for) != (first.service, first.made_for)


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
    gathered = Delivery.objects.filter(digest=delivery.pk, state=DeliveryState.WAITING)
    if state == DeliveryState.STOPPED:
        gathered.update(digest=None, next_try_at=now)  # each is judged by itself
    else:
        gathered.update(state=state, said=said[:300], settled_at=now, claimed_until=None)
    if delivery.way == Way.MAIL and state != DeliveryState.STOPPED:
        note_mail(
            delivery.letter,
            delivery.log_subject,
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
