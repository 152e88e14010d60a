"""Many items in one file: an address book, a calendar, a table. Written piece by piece, never held whole."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
from icalendar import Component

from apps.core.spreadsheet import safe_cell

from .events import frame, zone_named, zone_names
from .item import Item


class Gatherer(Protocol):
    """What stands in the file before the first item, for each item, and after the last."""

    def begin(self) -> bytes: ...
    def add(self, item: Item) -> bytes: ...
    def end(self) -> bytes: ...


@dataclass(slots=True)
class Joined:
    """Items one after the other, as vCards may be."""

    write: Callable[[Item], bytes]

    def begin(self) -> bytes:
        return b""

    def add(self, item: Item) -> bytes:
        return self.write(item)

    def end(self) -> bytes:
        return b""


class Lines:
    """One JSON object a line: what the provider tells of a message that the message itself does not say."""

    def begin(self) -> bytes:
        return b""

    def add(self, item: Item) -> bytes:
        return orjson.dumps({"file": item.path, "id": item.key, **item.document}) + b"\n"

    def end(self) -> bytes:
        return b""


@dataclass(slots=True)
class Table:
    """Rows that a spreadsheet opens: UTF-8 with its mark, and no cell that would be taken for a formula."""

    columns: Sequence[str]
    row: Callable[[Item], list[str]]

    def begin(self) -> bytes:
        return b"\xef\xbb\xbf" + self._line(self.columns)

    def add(self, item: Item) -> bytes:
        return self._line(self.row(item))

    def end(self) -> bytes:
        return b""

    def _line(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerow([safe_cell(cell) for cell in cells])
        return text.getvalue().encode()


class WholeCalendar:
    """One calendar with all its events or tasks; each time zone stands before the first that needs it."""

    def __init__(self, components: Callable[[Item], list[Component]]) -> None:
        self._components = components
        self._zones: set[str] = set()

    def begin(self) -> bytes:
        whole: bytes = frame([]).to_ical()
        return whole.removesuffix(b"END:VCALENDAR\r\n")

    def add(self, item: Item) -> bytes:
        components = self._components(item)
        new = [name for name in zone_names(components) if name not in self._zones]
        self._zones.update(new)
        return b"".join(part.to_ical() for part in [*map(zone_named, new), *components])

    def end(self) -> bytes:
        return b"END:VCALENDAR\r\n"
