"""What the reader of the home page asked to see: filters, order, and the card that the page begins with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.http import urlencode

from apps.backups.selectors import Word
from apps.connectors.enums import ConnectionState, Service
from apps.core.typed import typed

from .cards import Card

NEEDS = "needs"
ORDERS: dict[str, tuple[str, Callable[[Card], Any]]] = {
    "": ("What needs you first", lambda card: (not card.needs_somebody, card.task.name.lower())),
    "name": ("Name", lambda card: card.task.name.lower()),
    "size": ("Size, largest first", lambda card: (-card.task.size, card.task.name.lower())),
}


@dataclass(frozen=True)
class Wishes:
    """Part of the address, so that a filtered page can be kept and sent. Unknown values are ignored."""

    text: str = ""
    status: str = ""
    service: str = ""
    connection: str = ""
    order: str = ""
    start: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> "Wishes":
        def known(name: str, values: Any) -> str:
            value = query.get(name, "")
            return value if value in values else ""

        return cls(
            text=typed(query),
            status=known("status", {NEEDS, *Word}),
            service=known("service", set(Service.values)),
            connection=known("connection", set(ConnectionState.values)),
            order=known("order", ORDERS),
            start=query.get("start", "")[:36],
        )

    @property
    def narrows(self) -> bool:
        """Whether any task may be left out."""
        return bool(self.text or self.status or self.service or self.connection)

    @property
    def query(self) -> str:
        """As the query string of an address, with its question mark; "" when nothing is asked."""
        pairs = {
            "q": self.text,
            "status": self.status,
            "service": self.service,
            "connection": self.connection,
            "order": self.order,
            "start": self.start,
        }
        said = urlencode({key: value for key, value in pairs.items() if value})
        return f"?{said}" if said else ""

    def but(self, **changes: str) -> "Wishes":
        """The same with a change; another filter begins at the first card again."""
        return replace(self, **{"start": "", **changes})

    def fits(self, card: Card) -> bool:
        """Whether the filters let this card through."""
        task = card.task
        return (
            self.text.lower() in task.name.lower()
            and self.service in ("", task.service)
            and self.connection in ("", task.connection_state)
            and (card.needs_somebody if self.status == NEEDS else self.status in ("", card.status))
        )

    def sort(self, cards: list[Card]) -> list[Card]:
        """In the order that was asked for."""
        return sorted(cards, key=ORDERS[self.order][1])
