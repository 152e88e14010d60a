"""Exchange's limits per app and mailbox: requests in flight and requests per window. Off until switched on."""

import time
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from ..graph.errors import GraphError

STYLES = ("integer", "decimal", "date", "none")


@dataclass(slots=True)
class Limits:
    """`retry_after` seconds are told to the client in the form `style` names."""

    enabled: bool = False
    concurrency: int = 4
    requests: int = 10_000
    window_seconds: float = 600.0
    retry_after: float = 1.0
    style: str = "integer"


class Throttle:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.limits = Limits()
        self.refused: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self._windows: dict[str, tuple[float, int]] = {}

    def configure(self, values: dict[str, Any]) -> dict[str, Any]:
        """Raises AttributeError for an unknown name and ValueError for an unknown style."""
        if values.get("style", "integer") not in STYLES:
            raise ValueError(f"style must be one of {STYLES}")
        for name, value in values.items():
            getattr(self.limits, name)
            setattr(self.limits, name, value)
        return self.report()

    def take(self, mailbox: str, wanted: int = 1) -> int:
        """Occupy up to `wanted` of the mailbox's places; returns how many (0: none is free)."""
        if not self.limits.enabled or not mailbox:
            return wanted
        places = min(wanted, max(0, self.limits.concurrency - self._busy[mailbox]))
        self._busy[mailbox] += places
        return places

    def give_back(self, mailbox: str, places: int) -> None:
        if mailbox in self._busy:
            self._busy[mailbox] = max(0, self._busy[mailbox] - places)

    def count(self, mailbox: str) -> None:
        """One more request in the window; refused ones count too. Raises GraphError above the limit."""
        if not self.limits.enabled or not mailbox:
            return
        now = time.monotonic()
        start, used = self._windows.get(mailbox, (now, 0))
        if now - start >= self.limits.window_seconds:
            start, used = now, 0
        self._windows[mailbox] = (start, used + 1)
        if used + 1 > self.limits.requests:
            wait = max(self.limits.retry_after, self.limits.window_seconds - (now - start))
            raise self.refusal(mailbox, "TooManyRequests", "Please retry again later.", wait)

    def busy(self, mailbox: str) -> GraphError:
        text = "Application is over its MailboxConcurrency limit."
        return self.refusal(mailbox, "ApplicationThrottled", text, self.limits.retry_after)

    def refusal(self, mailbox: str, code: str, message: str, wait: float) -> GraphError:
        self.refused[mailbox] += 1
        value = retry_after(self.limits.style, wait)
        headers = {} if value is None else {"Retry-After": value}
        return GraphError(429, code, message, inner_code="429", headers=headers)

    def report(self) -> dict[str, Any]:
        names = Limits.__slots__
        return {name: getattr(self.limits, name) for name in names} | {"refused": dict(self.refused)}


def retry_after(style: str, seconds: float) -> str | None:
    """The header's value as an integer, a decimal or an HTTP date; None leaves it out."""
    if style == "none":
        return None
    if style == "date":
        return formatdate(time.time() + seconds, usegmt=True)
    return f"{seconds:.3f}" if style == "decimal" else str(max(1, round(seconds + 0.4999)))
