"""Keeps us below Microsoft's limits, and quiet for as long as Microsoft asks (docs/connectors.md, throttling).

In process: all connectors of this process share one governor, also over threads with loops of their own.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

MAILBOX_SLOTS: Final = 4
MAILBOX_REQUESTS: Final = 9_600
WINDOW_SECONDS: Final = 600.0
_BUCKET_SECONDS: Final = 10.0

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pool:
    """What one limit of Microsoft's applies to: one mailbox of one tenant, as seen by one app.

    `mailbox` is empty for calls on the tenant itself, which only the fence holds back.
    """

    tenant: str
    mailbox: str = ""


class Governor(Protocol):
    """Admission to a pool. `slots`: how many of its requests run at once; `cost`: how many are counted."""

    def admit(self, pool: Pool, *, slots: int, cost: int, sleep: Sleep) -> AbstractAsyncContextManager[float]:
        """Enter when there is room; gives the seconds waited."""
        ...

    def fence(self, pool: Pool, seconds: float) -> None:
        """Hold back every request of the tenant until then (quirk 16). Fences do not add up."""
        ...


@dataclass(slots=True)
class _Mailbox:
    busy: int = 0
    counted: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0
    waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=deque)


class LocalGovernor:
    """The governor of one process. Times are monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._mailboxes: dict[Pool, _Mailbox] = {}
        self._fences: dict[str, float] = {}

    def fence(self, pool: Pool, seconds: float) -> None:
        with self._lock:
            until = self._now() + seconds
            self._fences[pool.tenant] = max(until, self._fences.get(pool.tenant, 0.0))

    @asynccontextmanager
    async def admit(self, pool: Pool, *, slots: int, cost: int, sleep: Sleep) -> AsyncIterator[float]:
        slots = min(slots, MAILBOX_SLOTS)
        waited = await self._enter(pool, slots, cost, sleep)
        try:
            yield waited
        finally:
            self._leave(pool, slots)

    async def _enter(self, pool: Pool, slots: int, cost: int, sleep: Sleep) -> float:
        waited = 0.0
        while True:
            wake = asyncio.Event()
            with self._lock:
                delay = self._delay(pool, cost)
                if delay <= 0 and self._take(pool, slots, cost):
                    return waited
                if delay <= 0:
                    self._mailboxes[pool].waiting.append((asyncio.get_running_loop(), wake))
            if delay > 0:
                waited += delay
                await sleep(delay)
            else:
                await wake.wait()

    def _delay(self, pool: Pool, cost: int) -> float:
        """Seconds until the fence falls and the window has room; 0 or less when both are fine."""
        now = self._now()
        delay = self._fences.get(pool.tenant, 0.0) - now
        if not pool.mailbox:
            return delay
        mailbox = self._mailboxes.setdefault(pool, _Mailbox())
        while mailbox.counted and mailbox.counted[0][0] <= now - WINDOW_SECONDS:
            mailbox.total -= mailbox.counted.popleft()[1]
        if mailbox.counted and mailbox.total + cost > MAILBOX_REQUESTS:
            delay = max(delay, mailbox.counted[0][0] + WINDOW_SECONDS - now)
        return delay

    def _take(self, pool: Pool, slots: int, cost: int) -> bool:
        if not pool.mailbox:
            return True
        mailbox = self._mailboxes[pool]
        if mailbox.busy + slots > MAILBOX_SLOTS:
            return False
        mailbox.busy += slots
        mailbox.total += cost
        now = self._now()
        if mailbox.counted and mailbox.counted[-1][0] > now - _BUCKET_SECONDS:
            start, count = mailbox.counted[-1]
            mailbox.counted[-1] = (start, count + cost)
        else:
            mailbox.counted.append((now, cost))
        return True

    def _leave(self, pool: Pool, slots: int) -> None:
        if not pool.mailbox:
            return
        with self._lock:
            mailbox = self._mailboxes[pool]
            mailbox.busy -= slots
            waiting, mailbox.waiting = list(mailbox.waiting), deque()
        here = asyncio.get_running_loop()
        for loop, wake in waiting:
            if loop is here:
                wake.set()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)


_local = LocalGovernor()


def governor() -> Governor:
    """Return the governor of this installation."""
    return _local
