"""How often something may be tried: so many at once, then one at a time as the budget fills up again.

Nobody is locked out for good and nothing has to be unlocked: who guesses is slowed down to the pace of the
refill. Counted in the database, hence the same for all web processes (docs/sign-in.md, "Limits on tries").
"""

from dataclasses import dataclass
from datetime import timedelta

from allauth.core.internal.ratelimit import get_ip
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apps.core import clock

from .models import TryCount


@dataclass(frozen=True)
class Limit:
    """`burst` tries at once, and one more each `refill`. `name` says what is tried."""

    name: str
    burst: int
    refill: timedelta


def address_of(request: HttpRequest) -> str:
    """Where the request comes from, behind the configured number of proxies; of IPv6 the network alone."""
    return str(get_ip(request))


@transaction.atomic
def take(limit: Limit, *who: object) -> bool:
    """Count one try of `who`. False: the budget is spent, and the try must not be made."""
    now = clock.now()
    row, is_new = TryCount.objects.select_for_update().get_or_create(
        key=_key(limit, who), defaults={"level": 0.0, "counted_at": now, "empty_at": now + limit.refill}
    )
    level = max(0.0, row.level - (now - row.counted_at) / limit.refill)
    if level > limit.burst - 1:
        return False
    _set(row, limit, level + 1)
    if is_new:
        TryCount.objects.filter(empty_at__lt=now).delete()
    return True


@transaction.atomic
def give_back(limit: Limit, *who: object) -> None:
    """The try was a good one: it does not count."""
    row = TryCount.objects.select_for_update().filter(key=_key(limit, who)).first()
    if row is not None:
        level = row.level - (clock.now() - row.counted_at) / limit.refill
        _set(row, limit, max(0.0, level - 1))


def forget(limit: Limit, *who: object) -> None:
    """Give the whole budget back."""
    TryCount.objects.filter(key=_key(limit, who)).delete()


def _set(row: TryCount, limit: Limit, level: float) -> None:
    row.level, row.counted_at = level, clock.now()
    row.empty_at = row.counted_at + level * limit.refill
    row.save(update_fields=["level", "counted_at", "empty_at"])


def _key(limit: Limit, who: tuple[object, ...]) -> str:
    words = "\0".join([limit.name, *map(str, who)])
    return salted_hmac("everkeep.tries", words, algorithm="sha256").hexdigest()
