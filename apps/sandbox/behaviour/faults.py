"""Scripted faults: which request they hit, what they do, and how often they were reached."""

import re
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "error", "reset", "truncate", "control_characters", "slow", "broken_next_link", "token_expired",
    "malware", "corrupt", "quota", "gone", "empty_404", "resync", "consent_revoked", "html_error",
}  # fmt: skip


@dataclass(slots=True)
class Fault:
    """Hits requests of `method` whose path and query match `path`: the `nth` of them and on, `count` times.

    `count` None means for ever. `options` depend on the kind.
    """

    id: str
    kind: str
    path: re.Pattern[str]
    method: str | None = None
    mailbox: str | None = None
    nth: int = 1
    count: int | None = 1
    options: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    reached: int = 0

    def hits(self, method: str, url: str, mailbox: str) -> bool:
        if self.count is not None and self.reached >= self.count:
            return False
        if self.method and self.method != method:
            return False
        if (self.mailbox and self.mailbox.lower() != mailbox.lower()) or not self.path.search(url):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.reached += 1
        return True

    def report(self) -> dict[str, Any]:
        return {
            "id": self.id, "kind": self.kind, "method": self.method, "path": self.path.pattern,
            "mailbox": self.mailbox, "nth": self.nth, "count": self.count, "options": self.options,
            "matched": self.seen, "reached": self.reached,
        }  # fmt: skip


class Faults:
    def __init__(self) -> None:
        self.script: list[Fault] = []
        self._number = 0

    def add(self, description: dict[str, Any]) -> Fault:
        """`{"match": {method, path, mailbox, nth, count}, "fault": {"kind": …, …}}`; raises ValueError."""
        match, options = dict(description.get("match", {})), dict(description.get("fault", {}))
        kind = options.pop("kind", "error")
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault {kind!r}: it must be one of {', '.join(sorted(KINDS))}")
        unknown = set(match) - {"method", "path", "mailbox", "nth", "count"}
        if unknown:
            raise ValueError(f"unknown condition {', '.join(sorted(unknown))}")
        self._number += 1
        method = match.get("method")
        fault = Fault(
            id=str(description.get("id") or f"fault-{self._number}"),
            kind=kind,
            path=re.compile(match.get("path", "")),
            method=method.upper() if method else None,
            mailbox=match.get("mailbox"),
            nth=int(match.get("nth", 1)),
            count=match.get("count", 1),
            options=options,
        )
        self.script.append(fault)
        return fault

    def pick(self, method: str, url: str, mailbox: str) -> Fault | None:
        """The first fault that hits this request; it counts as reached."""
        return next((fault for fault in self.script if fault.hits(method, url, mailbox)), None)

    def clear(self) -> None:
        self.script.clear()

    def report(self) -> list[dict[str, Any]]:
        return [fault.report() for fault in self.script]
