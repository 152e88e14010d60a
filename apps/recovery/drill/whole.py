"""All that is stored of one item, whatever its kind: a message, or a document with its files."""

import hashlib
from dataclasses import dataclass

from apps.backups.selectors.browse import Stored
from apps.vault.api import Role, VaultReader, decode_content


@dataclass(frozen=True, slots=True)
class Whole:
    """What the provider gave: bytes of the item and of its files. `is_document`: the bytes are its fields."""

    content: bytes
    attachments: tuple[bytes, ...] = ()
    is_document: bool = False

    @property
    def size(self) -> int:
        return len(self.content) + sum(map(len, self.attachments))

    def digest(self) -> str:
        """Return SHA-256 of the message; of a document with files, of the digests of all."""
        digests = [hashlib.sha256(each) for each in (self.content, *self.attachments)]
        if len(digests) == 1:
            return digests[0].hexdigest()
        return hashlib.sha256(b"".join(each.digest() for each in digests)).hexdigest()


def read_whole(reader: VaultReader, stored: Stored) -> Whole:
    """Read every part of a version. Raises VaultError."""
    parts = decode_content(stored.content)
    first, *rest = (reader.read(part) for part in parts)
    return Whole(first, tuple(rest), parts[0].role == Role.PROPS)
