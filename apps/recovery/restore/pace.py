"""How fast Microsoft lets us write into a mailbox: what a plan forecasts, and what a restore keeps to.

150 MB of uploads in five minutes for each mailbox and app, and 10,000 requests in ten minutes
(https://learn.microsoft.com/graph/throttling-limits, Outlook service limits).
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=5)
WINDOW_BYTES: Final = 150_000_000
ITEMS_PER_MINUTE: Final = 300
"""Four writes at once, each with its share of looking up and reading back."""
ON_THE_WIRE: Final = 4 / 3
"""Files go as base64."""


def minutes_for(items: int, size: int) -> int:
    """Forecast how long writing takes, rounded up."""
    by_items = items / ITEMS_PER_MINUTE
    by_bytes = size * ON_THE_WIRE / WINDOW_BYTES * (WINDOW / timedelta(minutes=1))
    return math.ceil(max(by_items, by_bytes))


def forecast(items: int, size: int) -> str:
    """Say the forecast as a person would."""
    minutes = minutes_for(items, size)
    if minutes <= 1:
        return "Less than a minute"
    if minutes < 120:
        return f"About {minutes} minutes"
    return f"About {round(minutes / 60)} hours" if minutes < 48 * 60 else f"About {round(minutes / 1440)} days"


@dataclass(slots=True)
class Pace:
    """Remembers what one claim has written lately."""

    now: Callable[[], float] = time.monotonic
    _written: deque[tuple[float, float]] = field(default_factory=deque)

    def wait(self, size: int) -> timedelta | None:
        """Return how long to rest before writing so much more; None when there is room.

        One that is larger than the whole window goes when nothing else is in it. The rest lasts until the
        window is empty: whoever goes on afterwards remembers nothing.
        """
        self._forget()
        if not self._written or sum(each for _, each in self._written) + size * ON_THE_WIRE <= WINDOW_BYTES:
            return None
        return timedelta(seconds=max(1.0, self._written[-1][0] + WINDOW.total_seconds() - self.now()))

    def note(self, size: int) -> None:
        """Remember what was written."""
        self._written.append((self.now(), size * ON_THE_WIRE))

    def _forget(self) -> None:
        while self._written and self._written[0][0] <= self.now() - WINDOW.total_seconds():
            self._written.popleft()
