"""How long and how often to try again. Clock, sleep and chance are given, so that tests need no waiting."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from django.conf import settings


def _chance() -> float:
    return random.random()  # noqa: S311 (spreads retries, guards nothing)


@dataclass(frozen=True, slots=True)
class Patience:
    """`tries` counts the first one. `first_wait` seconds doubles with each try, up to `longest_wait`.

    `throttled_for` bounds the seconds that one call spends waiting because it was asked to.
    """

    tries: int = 6
    first_wait: float = 2.0
    longest_wait: float = 60.0
    throttled_for: float = 1800.0
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = field(default=_chance)

    @classmethod
    def from_settings(cls) -> "Patience":
        return cls(tries=settings.MICROSOFT_TRIES, first_wait=settings.MICROSOFT_RETRY_SECONDS)

    def wait_before(self, retry: int) -> float:
        """Seconds before this retry (1, 2, ...): doubles, and is spread from half to one and a half."""
        return min(self.longest_wait, self.first_wait * 2.0 ** (retry - 1)) * (0.5 + self.chance())


def read_retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds of a Retry-After: whole, with decimals, or until a date (quirk 17); None if unreadable."""
    if not value:
        return None
    try:
        return max(0.0, min(float(value), 86400.0))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())
