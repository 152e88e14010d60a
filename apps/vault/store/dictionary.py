"""Dictionaries: what small items of one kind have in common, learnt once and kept as a blob of the vault.

A dictionary's blob (kind 2) holds

    0   1   version, 1
    1   1   role of the parts that it was trained on
    2   4   number of the dictionary that this is a second copy of; zeros in the first copy
    6   -   the dictionary, in zstd's own format

Its *number*, which the blobs that use it carry, is the first 4 bytes of its (first copy's) blob id. Hence the
index of a pack is enough to find it. Nothing but it can undo its blobs, so a second copy lies in another pack.
"""

from dataclasses import dataclass
from typing import Final

from .codec import NUMBER_BYTES
from .content import Role
from .errors import Corrupt

VERSION: Final = 1
FIRST_COPY: Final = bytes(NUMBER_BYTES)
_HEADER_BYTES: Final = 2 + NUMBER_BYTES


@dataclass(frozen=True, slots=True)
class Dictionary:
    """`data` is for zstd; `copy_of` is the number of the dictionary that this repeats, FIRST_COPY if none."""

    role: Role
    data: bytes
    copy_of: bytes = FIRST_COPY

    def plaintext(self) -> bytes:
        """Return the bytes of its blob."""
        return bytes((VERSION, self.role)) + self.copy_of + self.data


def number_of(blob_id: bytes) -> bytes:
    """Return the number of the dictionary that is kept as this blob (in its first copy)."""
    return blob_id[:NUMBER_BYTES]


def parse_dictionary(plaintext: bytes) -> Dictionary:
    """Read a dictionary's blob. Raises Corrupt."""
    if len(plaintext) <= _HEADER_BYTES or plaintext[0] != VERSION:
        raise Corrupt("This is not a dictionary of a version that this release knows.")
    try:
        role = Role(plaintext[1])
    except ValueError as error:
        raise Corrupt(f"A dictionary is for role {plaintext[1]}, which this release does not know.") from error
    return Dictionary(role, plaintext[_HEADER_BYTES:], plaintext[2:_HEADER_BYTES])
