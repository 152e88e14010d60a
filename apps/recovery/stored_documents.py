"""Items that are kept as documents, read out of the vault with the files that hang on them."""

from dataclasses import dataclass
from typing import Any

from apps.backups.selectors.browse import AsOf, Node, contents
from apps.connectors.documents import props_of, read_document
from apps.core.errors import NotFound
from apps.vault.api import ContentPart, Role, decode_content, open_reader
from apps.vault.errors import BlobError

from .formats.letter_html import MAX_IMAGE_BYTES, image_type
from .reading import as_damage
from .shown import files_of
from .shown.fields import File

# Of pictures inside a text no more than this is read to show it.
PICTURES_LIMIT = 15_000_000


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it was: `content` is its exact text, `parts` are its files in the vault."""

    state: AsOf
    node: Node
    content: bytes
    props: dict[str, Any]
    parts: tuple[ContentPart, ...]

    @property
    def document(self) -> dict[str, Any]:
        """Return its fields. Raises Malformed."""
        return read_document(self.content)

    def files(self) -> list[File]:
        """Return its attachments; one whose bytes are not there has no `part`."""
        return [
            file if file.part is None or file.part < len(self.parts) else _without_bytes(file)
            for file in files_of(self.document)
        ]

    def read(self, number: int) -> bytes:
        """Return the bytes of one file. Raises NotFound, ItemDamaged, VaultError."""
        if not 0 <= number < len(self.parts):
            raise NotFound("This item has no such attachment.")
        return _read(self.state, self.node, self.parts[number])

    def pictures(self, files: list[File]) -> dict[int, bytes]:
        """Return those of these files that are small plain pictures, by their part."""
        found: dict[int, bytes] = {}
        left = PICTURES_LIMIT
        for file in files:
            part = file.part
            if part is None or part in found or self.parts[part].size > min(MAX_IMAGE_BYTES, left):
                continue
            data = self.read(part)
            left -= len(data)
            if image_type(data):
                found[part] = data
        return found


def read_stored_document(state: AsOf, node: Node) -> StoredDocument:
    """Read a document. Raises NotFound when the item is none, ItemDamaged, VaultError."""
    stored = contents(state, [node.id]).get(node.id)
    parts = decode_content(stored.content) if stored and not node.is_folder else ()
    main = next((part for part in parts if part.role == Role.PROPS), None)
    if stored is None or main is None:
        raise NotFound("This item is not in the backup.", do="Choose another day.")
    files = tuple(part for part in parts if part.role == Role.ATTACHMENT)
    return StoredDocument(state, node, _read(state, node, main), props_of(stored.props), files)


def _read(state: AsOf, node: Node, part: ContentPart) -> bytes:
    try:
        return open_reader(state.account_id).read(part)
    except BlobError as error:
        raise as_damage(error, state, node) from error


def _without_bytes(file: File) -> File:
    return File(file.name, file.size, None, file.content_type, file.content_id, file.is_inline)
