"""Endings of files inside of mails and other items: what encrypts files mostly renames them too.

Names of files stand in the head of a mail, which the vault keeps apart from the files themselves. Heads are
read only when so many items with files were rewritten that it matters, and of no more than a sample of them.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from typing import Final

from apps.backups.selectors.measuring import ItemState, Turn
from apps.connectors.documents import read_document
from apps.core.errors import Malformed
from apps.core.mime import CUTTING
from apps.vault.api import ContentPart, Role, VaultError, VaultReader, decode_content, open_reader

log = logging.getLogger(__name__)
EXTENSION: Final = re.compile(r"\.[A-Za-z0-9_-]{1,12}$")
LEAST: Final = 20
"""Items with files that were rewritten or replaced; of fewer no head is read."""
SAMPLE: Final = 100
LEAST_FOUND: Final = 10  # of a sample: two or three say nothing of the rest
LARGEST: Final = 256 * 1024  # bytes of a head
_MOST_PARTS: Final = 500
_Pair = tuple[ItemState, ItemState]


def other_endings(account_id: int, turns: list[Turn], times: float = 1.0) -> int:
    """Return how many items lost a file of one ending and got one of an ending that was not there before.

    `times`: for how many each of `turns` stands. What cannot be read counts as not changed.
    """
    pairs = _pairs(turns)
    if len(pairs) < LEAST:
        return 0
    heads = [[_head(state) for state in pair] for pair in pairs[:SAMPLE]]
    try:
        reader = open_reader(account_id)
    except VaultError:
        log.exception("heads of mails of account %s could not be read", account_id)
        return 0
    reader.expect([head for pair in heads for head in pair if head])
    found = sum(_ends_otherwise(*(_endings(reader, head) for head in pair)) for pair in heads)
    return round(found * len(pairs) / len(heads) * times) if found >= LEAST_FOUND else 0


def _pairs(turns: Iterable[Turn]) -> list[_Pair]:
    """Items with files before and after: rewritten in their place, or come anew with their name and time."""
    found, came, gone = list[_Pair](), defaultdict[object, list[ItemState]](list), list[ItemState]()
    for before, after in ((turn.before, turn.after) for turn in turns):
        if before and after:
            if before.has_attachments and before.content != after.content:
                found.append((before, after))
        elif before and before.has_attachments:
            gone.append(before)
        elif after and after.has_attachments and after.time:
            came[after.name, after.time].append(after)
    return found + [(each, came[each.name, each.time].pop()) for each in gone if came[each.name, each.time]]


def _head(state: ItemState) -> ContentPart | None:
    """Return where the names of an item's files stand: of a mail that was taken apart all but its files."""
    parts = decode_content(state.content) if state.content else ()
    main = next((part for part in parts if part.role in (Role.MIME, Role.PROPS)), None)
    if main and main.recipe:
        count = main.recipe.skeleton_blobs
        main = ContentPart(main.role, main.recipe.skeleton_size, main.blobs[:count])
    return main if main and main.size <= LARGEST else None


def _endings(reader: VaultReader, head: ContentPart | None) -> Counter[str]:
    try:
        data = reader.read(head) if head else b""
        names = _names_of_document(data) if head and head.role == Role.PROPS else _names_of_mail(data)
        return Counter(_ending(name) for name in names)
    except (VaultError, Malformed, RecursionError):  # the last: a stranger's parts within parts within parts
        return Counter()


def _ends_otherwise(was: Counter[str], now: Counter[str]) -> bool:
    return bool(was - now) and bool(now.keys() - was.keys())


def _ending(name: str) -> str:
    found = EXTENSION.search(name.strip())
    return found[0].lower() if found else ""


def _names_of_document(data: bytes) -> Iterator[str]:
    for entry in read_document(data).get("attachments") or ():
        if isinstance(entry, dict) and entry.get("name"):
            yield str(entry["name"])


def _names_of_mail(data: bytes) -> Iterator[str]:
    message = message_from_bytes(data, policy=CUTTING)
    for place, part in enumerate(message.walk()):
        if place >= _MOST_PARTS:
            return
        try:
            name = part.get_filename()
        except (LookupError, ValueError, TypeError, AttributeError):  # odd RFC 2231 charsets and parameters
            continue
        if name:
            yield name
