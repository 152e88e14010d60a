"""What an item consists of, in the compact form that catalog rows keep (docs/vault-format.md, "Content list").

    0     1   version: 1, or 2 when a part has a recipe
    1     v   number of parts
    then for each part
    0     1   role
    1     v   size in bytes
    -     v   number of blobs
    -  32*n   blob ids in order
    -     -   version 2 only: recipe (store/recipe.py)

`v` is an unsigned LEB128 number in its shortest form. Equal parts give equal bytes.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from .errors import ContentCorrupt
from .numbers import Cursor, put_number
from .recipe import Recipe, check_recipe, put_recipe, take_recipe

PLAIN_VERSION: Final = 1
RECIPE_VERSION: Final = 2
BLOB_ID_BYTES: Final = 32


class Role(IntEnum):
    """What a part is to its item. Stored in catalog rows: numbers never change."""

    MIME = 1
    PROPS = 2
    FILE = 3
    ATTACHMENT = 4


class ContentPart(NamedTuple):
    """One part of an item: `size` bytes of plaintext, cut into `blobs` (none when empty).

    `blobs` are all that the part needs. With a recipe they are not the bytes themselves but what they are
    rebuilt from.
    """

    role: Role
    size: int
    blobs: tuple[bytes, ...]
    recipe: Recipe | None = None


def encode_content(parts: Sequence[ContentPart]) -> bytes:
    """Return the bytes for a catalog row."""
    version = RECIPE_VERSION if any(part.recipe for part in parts) else PLAIN_VERSION
    out = bytearray((version,))
    put_number(out, len(parts))
    for part in parts:
        _check(part)
        out.append(part.role)
        put_number(out, part.size)
        put_number(out, len(part.blobs))
        out += b"".join(part.blobs)
        if version == RECIPE_VERSION:
            put_recipe(out, part.recipe)
    return bytes(out)


def decode_content(data: bytes) -> tuple[ContentPart, ...]:
    """Return the parts of a catalog row. Raises ContentCorrupt; never allocates beyond the row's length."""
    cursor = Cursor(bytes(data))
    if (version := cursor.byte()) not in (PLAIN_VERSION, RECIPE_VERSION):
        raise ContentCorrupt(f"A content list has version {version}, which this release does not know.")
    parts = tuple(_part(cursor, version) for _ in range(cursor.count(3)))
    if version == RECIPE_VERSION and not any(part.recipe for part in parts):
        raise ContentCorrupt("A content list of version 2 has no recipe.")
    if cursor.position != len(cursor.data):
        raise ContentCorrupt("A content list has bytes after its end.")
    return parts


def _part(cursor: Cursor, version: int) -> ContentPart:
    number = cursor.byte()
    try:
        role = Role(number)
    except ValueError as error:
        raise ContentCorrupt(
            f"A content list names role {number}, which this release does not know."
        ) from error
    size = cursor.number()
    ids = cursor.take(BLOB_ID_BYTES * cursor.count(BLOB_ID_BYTES))
    blobs = tuple([ids[at : at + BLOB_ID_BYTES] for at in range(0, len(ids), BLOB_ID_BYTES)])
    recipe = take_recipe(cursor) if version == RECIPE_VERSION else None
    part = ContentPart(role, size, blobs, recipe)
    _check(part)
    return part


def _check(part: ContentPart) -> None:
    if any(len(blob) != BLOB_ID_BYTES for blob in part.blobs):
        raise ContentCorrupt("A content list names a blob whose id has not 32 bytes.")
    if part.recipe is not None:
        check_recipe(part.recipe, part.size, len(part.blobs))
    elif part.size < len(part.blobs) or (part.size > 0) != (len(part.blobs) > 0):
        raise ContentCorrupt(f"A content list gives {part.size} bytes in {len(part.blobs)} blobs.")
