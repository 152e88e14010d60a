"""Is a restored item the one that the catalog promises? Pure functions on bytes and catalog rows.

*Faults* are what a restore would suffer from: bytes of another length, a message that does not parse,
properties that are no JSON. That the bytes are the stored ones is proved while reading: each blob is compared
with its name. *Notes* are differences between what the provider listed and what the message says of itself;
providers list some mails in other words than their senders wrote.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.backups.selectors.browse import Node, Stored
from apps.connectors.documents import PART, read_document
from apps.core.errors import Malformed

from ..formats.eml import read_letter
from .whole import Whole

FAR = timedelta(days=2)  # between the time listed and the date in the message: delivery takes its time


@dataclass(slots=True)
class Compared:
    """What is wrong with one restored item, in sentences."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare(node: Node, stored: Stored, data: Whole) -> Compared:
    """Compare a restored item with its row in the catalog."""
    found = Compared()
    if data.size != node.size:
        found.faults.append(f"It has {data.size:,} bytes instead of {node.size:,}.")
    try:
        json.loads(stored.props or b"{}")
    except ValueError:
        found.faults.append("Its properties (read state, flags, categories) cannot be read.")
    if data.is_document:
        _compare_document(data, found)
    else:
        _compare_letter(node, data.content, found)
    return found


def _compare_document(data: Whole, found: Compared) -> None:
    """A document must parse, and name each of its files by its place."""
    try:
        document = read_document(data.content)
    except Malformed as error:
        found.faults.append(error.what)
        return
    if set(_places(document)) != set(range(len(data.attachments))):
        found.faults.append("It does not name the files that are stored with it.")


def _places(value: Any) -> Iterator[Any]:
    """Yield the places of all files that a document names, also those of an exception inside a series."""
    if isinstance(value, list):
        for each in value:
            yield from _places(each)
    elif isinstance(value, dict):
        entries = value.get("attachments")
        if isinstance(entries, list):
            yield from (each[PART] for each in entries if isinstance(each, dict) and PART in each)
        for each in value.values():
            yield from _places(each)


def _compare_letter(node: Node, data: bytes, found: Compared) -> None:
    letter = read_letter(data)
    if not (letter.sender or letter.to or letter.subject or letter.parts):
        found.faults.append("It does not read as a message.")
    if node.name and letter.subject and _letters(node.name) != _letters(letter.subject):
        found.notes.append("Its subject reads different from the provider's list.")
    if node.time and letter.date and letter.date.tzinfo and abs(letter.date - node.time) > FAR:
        found.notes.append("Its date is far from the time in the provider's list.")
    if node.has_attachments and not letter.attachments:
        found.notes.append("The provider listed attachments, the message has none of its own.")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))[:200]
