"""Is a restored item the one that the catalog promises? Pure functions on bytes and catalog rows.

*Faults* are what a restore would suffer from: bytes of another length, a message that does not parse,
properties that are no JSON. That the bytes are the stored ones is proved while reading: each blob is compared
with its name. *Notes* are differences between what the provider listed and what the message says of itself;
providers list some mails in other words than their senders wrote.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from apps.backups.selectors.browse import Node, Stored

from ..formats.eml import read_letter

FAR = timedelta(days=2)  # between the time listed and the date in the message: delivery takes its time


@dataclass(slots=True)
class Compared:
    """What is wrong with one restored item, in sentences."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare(node: Node, stored: Stored, data: bytes) -> Compared:
    """Compare a restored message with its row in the catalog."""
    found = Compared()
    if len(data) != node.size:
        found.faults.append(f"It has {len(data):,} bytes instead of {node.size:,}.")
    try:
        json.loads(stored.props or b"{}")
    except ValueError:
        found.faults.append("Its properties (read state, flags, categories) cannot be read.")
    letter = read_letter(data)
    if not (letter.sender or letter.to or letter.subject or letter.parts):
        found.faults.append("It does not read as a message.")
    if node.name and letter.subject and _letters(node.name) != _letters(letter.subject):
        found.notes.append("Its subject reads different from the provider's list.")
    if node.time and letter.date and letter.date.tzinfo and abs(letter.date - node.time) > FAR:
        found.notes.append("Its date is far from the time in the provider's list.")
    if node.has_attachments and not letter.attachments:
        found.notes.append("The provider listed attachments, the message has none of its own.")
    return found


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))[:200]
