"""What is kept of one item, ready to leave: small things in memory, large ones as streams."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from apps.backups.selectors.browse import Node, Stored
from apps.connectors.documents import PART, props_of, read_document
from apps.core.errors import NotFound
from apps.vault.api import ContentPart, Role, VaultError, VaultReader, decode_content
from apps.vault.errors import BlobError

from ..formats.item import Attached, Item, line_of, maps_of

INLINE_BYTES = 256 * 1024
INLINE_TOGETHER = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """`body` is the message or the document; `files` what hangs on a document."""

    body: ContentPart
    files: tuple[ContentPart, ...]

    @property
    def is_message(self) -> bool:
        return self.body.role == Role.MIME


def parts_of_item(content: bytes) -> Parts:
    """Take a content list apart. Raises NotFound, VaultError."""
    listed = decode_content(content)
    for role in (Role.MIME, Role.PROPS):
        body = next((part for part in listed if part.role == role), None)
        if body is not None:
            files = tuple(part for part in listed if part.role == Role.ATTACHMENT)
            return Parts(body, files if role == Role.PROPS else ())
    raise NotFound("The content of this item is not in the backup.", do="Choose another day.")


def all_parts(contents: Iterable[bytes]) -> Iterator[ContentPart]:
    """Yield what will be read, for VaultReader.expect. What is damaged says so when it is read."""
    for content in contents:
        with suppress(NotFound, VaultError):
            parts = parts_of_item(content)
            yield parts.body
            yield from parts.files


def message_item(node: Node, stored: Stored) -> Item:
    """Return what is kept beside a message, as an item."""
    return Item(node.remote_id, node.name, props_of(stored.props))


def document_item(reader: VaultReader, node: Node, parts: Parts, body: bytes) -> Item:
    """Return a document with its files; the small ones with their bytes. Raises Malformed, VaultError.

    A damaged file has none: who adds the file itself meets the damage, when the document is written already.
    """
    document = read_document(body)
    files: list[Attached] = []
    left = INLINE_TOGETHER
    for number, part in enumerate(parts.files):
        entry = _entry(document, number)
        data = None
        if part.size <= min(INLINE_BYTES, left):
            left -= part.size
            with suppress(BlobError):
                data = reader.read(part)
        files.append(
            Attached(
                name=line_of(entry.get("name")) or f"File {number + 1}",
                content_type=line_of(entry.get("contentType")),
                size=part.size,
                data=data,
                content_id=line_of(entry.get("contentId")),
            )
        )
    return Item(node.remote_id, node.name, document, files)


def _entry(document: dict[str, object], number: int) -> dict[str, object]:
    """Return the document's own word on its n-th file; dates of a series have files of their own."""
    for holder in (document, *maps_of(document.get("exceptionOccurrences"))):
        for each in maps_of(holder.get("attachments")):
            if each.get(PART) == number:
                return each
    return {}
