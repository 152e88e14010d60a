"""Events: what happened, in the order it happened, with the object as it was then."""

from collections.abc import Callable
from typing import Any

from .book import Book, shown

API_VERSION = "2026-10-28.endive"


class Events:
    """Writes each event down and hands it to whoever delivers them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.listener: Callable[[dict[str, Any]], None] = lambda event: None
        self.request: dict[str, Any] = {"id": None, "idempotency_key": None}

    def note(
        self, kind: str, value: dict[str, Any], *, previous: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        data: dict[str, Any] = {"object": shown(value)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.book.add(
            "evt",
            object="event",
            api_version=API_VERSION,
            type=kind,
            data=data,
            pending_webhooks=1,
            request=dict(self.request),
        )
        self.listener(event)
        return event
