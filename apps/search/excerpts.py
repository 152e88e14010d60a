"""What stands around the words that were found: read from the vault when somebody looks, kept nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.backups.models import Snapshot
from apps.backups.selectors.browse import AsOf, Node, Stored, contents
from apps.connectors.documents import props_of, read_document
from apps.connectors.enums import SubService
from apps.core.errors import EverkeepError
from apps.vault.api import ContentPart, Role, VaultError, VaultReader, decode_content, open_reader

from .extraction import items, mail
from .language.tree import Query
from .marking import Piece, excerpt, marks_of

LARGEST = 4_000_000
"""A page of results must not read for minutes: what is larger shows no excerpt."""


@dataclass(frozen=True, slots=True)
class Place:
    """An item on a day."""

    snapshot: Snapshot
    state: AsOf
    node: Node


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`place` is the element of the page that it goes into."""

    place: str
    pieces: list[Piece]


def excerpts_of(places: Iterable[Place], query: Query) -> list[Excerpt]:
    """Return what stands around the words in the texts of these items; those without any are left out.

    Files inside items are not opened for it: reading them takes a process of its own (`extraction.files`).
    """
    marks = marks_of(query)
    wanted = [(place, part) for place in places for part in _parts(place)]
    if not wanted:
        return []
    reader = open_reader(wanted[0][0].state.account_id)
    reader.expect([part for _, (part, _) in wanted])
    found = []
    for place, (part, stored) in wanted:
        pieces = excerpt(_texts(reader, place, part, stored), marks)
        if pieces:
            found.append(Excerpt(f"excerpt-{place.snapshot.public_id.hex}-{place.node.key}", pieces))
    return found


def _parts(place: Place) -> list[tuple[ContentPart, Stored]]:
    stored = contents(place.state, [place.node.id]).get(place.node.id)
    try:
        parts = decode_content(stored.content) if stored and stored.content else ()
    except VaultError:
        return []
    own = [part for part in parts if part.role in (Role.MIME, Role.PROPS) and part.size <= LARGEST]
    return [(own[0], stored)] if own and stored else []


def _texts(reader: VaultReader, place: Place, part: ContentPart, stored: Stored) -> list[str]:
    """An item that cannot be read has no excerpt: opening it says why."""
    try:
        data = reader.read(part)
        if place.state.sub_service == SubService.MAIL:
            found = mail.read_mail(data)
        else:
            found = items.read_document(read_document(data), props_of(stored.props), ())
    except (EverkeepError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
    return [found.text, *found.names, found.place]
