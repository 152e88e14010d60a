"""What an item consists of, in the compact form that catalog rows keep (docs/vault-format.md, "Content list").

    0     1   version, 1
    1     v   number of parts
    then for each part
    0     1   role
    1     v   size in bytes
    -     v   number of blobs
    -  32*n   blob ids in order

`v` is an unsigned LEB128 number in its shortest form. Equal parts give equal bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .errors import ContentCorrupt

VERSION: Final = 1
BLOB_ID_BYTES: Final = 32
_MAX_NUMBER_BYTES: Final = 9  # 63 bits


class Role(IntEnum):
    """What a part is to its item. Stored in catalog rows: numbers never change."""

    MIME = 1
    PROPS = 2
    FILE = 3
    ATTACHMENT = 4


@dataclass(frozen=True, slots=True)
class ContentPart:
    """One part of an item: `size` bytes of plaintext, cut into `blobs` (none when empty)."""

    role: Role
    size: int
    blobs: tuple[bytes, ...]


def encode_content(parts: Sequence[ContentPart]) -> bytes:
    """Return the bytes for a catalog row."""
    out = bytearray((VERSION,))
    _put_number(out, len(parts))
    for part in parts:
        _check(part)
        out.append(part.role)
        _put_number(out, part.size)
        _put_number(out, len(part.blobs))
        out += b"".join(part.blobs)
    return bytes(out)


def decode_content(data: bytes) -> tuple[ContentPart, ...]:
    """Return the parts of a catalog row. Raises ContentCorrupt; never allocates beyond the row's length."""
    cursor = _Cursor(bytes(data))
    if (version := cursor.byte()) != VERSION:
        raise ContentCorrupt(f"A content list has version {version}, which this release does not know.")
    parts = tuple(_part(cursor) for _ in range(cursor.count(3)))
    if cursor.position != len(cursor.data):
        raise ContentCorrupt("A content list has bytes after its end.")
    return parts


def _part(cursor: "_Cursor") -> ContentPart:
    number = cursor.byte()
    try:
        role = Role(number)
    except ValueError as error:
        raise ContentCorrupt(
            f"A content list names role {number}, which this release does not know."
        ) from error
    size = cursor.number()
    blobs = tuple(cursor.take(BLOB_ID_BYTES) for _ in range(cursor.count(BLOB_ID_BYTES)))
    part = ContentPart(role, size, blobs)
    _check(part)
    return part


def _check(part: ContentPart) -> None:
    if any(len(blob) != BLOB_ID_BYTES for blob in part.blobs):
        raise ContentCorrupt("A content list names a blob whose id has not 32 bytes.")
    if part.size < len(part.blobs) or (part.size > 0) != (len(part.blobs) > 0):
        raise ContentCorrupt(f"A content list gives {part.size} bytes in {len(part.blobs)} blobs.")


def _put_number(out: bytearray, number: int) -> None:
    if not 0 <= number < 1 << 63:
        raise ContentCorrupt(f"The number {number} does not fit a content list.")
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class _Cursor:
    """Reads forward and raises ContentCorrupt where the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self.data):
            raise ContentCorrupt("A content list is cut short.")
        taken, self.position = self.data[self.position : end], end
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        value = 0
        for index in range(_MAX_NUMBER_BYTES):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index:
                    break
                return value
        raise ContentCorrupt("A content list holds a number that is not in its shortest form.")

    def count(self, least: int) -> int:
        """Read how many things follow, each of at least `least` bytes: never more than can be there."""
        count = self.number()
        if count * least > len(self.data) - self.position:
            raise ContentCorrupt("A content list is cut short.")
        return count
