"""What clients asked: counters by route and mailbox, how many at once, and the last requests."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 20000


@dataclass(frozen=True, slots=True)
class Entry:
    """One handled request; `batch` is true for a part of a $batch."""

    method: str
    route: str
    path: str
    mailbox: str
    status: int
    batch: bool


class Record:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.routes: Counter[str] = Counter()
        self.mailboxes: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.most_at_once: dict[str, int] = {}
        self.bytes_sent = 0

    def enter(self, mailbox: str) -> None:
        """A request for this mailbox ('' is the whole service) begins; pair with `leave`."""
        for key in (mailbox, "*") if mailbox else ("*",):
            self.in_flight[key] += 1
            if self.in_flight[key] > self.most_at_once.get(key, 0):
                self.most_at_once[key] = self.in_flight[key]

    def leave(self, mailbox: str) -> None:
        for key in (mailbox, "*") if mailbox else ("*",):
            self.in_flight[key] -= 1

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.routes[f"{entry.method} {entry.route}"] += 1
        self.statuses[entry.status] += 1
        if entry.mailbox:
            self.mailboxes[entry.mailbox] += 1

    def report(self, *, last: int = 0) -> dict[str, Any]:
        entries = list(self.entries)[-last:] if last else []
        return {
            "total": sum(self.routes.values()),
            "routes": dict(self.routes),
            "mailboxes": dict(self.mailboxes),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "most_at_once": self.most_at_once,
            "bytes_sent": self.bytes_sent,
            "requests": [asdict(entry) for entry in entries],
        }
