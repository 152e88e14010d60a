"""Packs: write-once objects that hold many blobs and say themselves what they hold.

    header    32 bytes   magic, version, features, pack id
    blobs                each AES-256-GCM ciphertext + tag, without gaps
    index                encrypted list of the blobs, in the same order
    trailer   24 bytes   where the index starts, its length, number of blobs, end magic

All numbers are big-endian. Each pack has its own key (VaultKeys.pack_cipher); the nonce is a domain and the
place in the pack, so no nonce repeats under a key. docs/vault-format.md has every byte and what it is bound to.
"""

import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .codec import MAX_BLOB_BYTES, Codec
from .errors import PackCorrupt
from .keys import VaultKeys

MAGIC: Final = b"EVKPACK\0"
END_MAGIC: Final = b"EVKPEND\0"
TAG_BYTES: Final = 16
PACK_ID_BYTES: Final = 16
TARGET_PACK_BYTES: Final = 16 * 1024 * 1024
MAX_PACK_BYTES: Final = 128 * 1024 * 1024  # what a reader accepts

HEADER: Final = struct.Struct(">8sHHI16s")  # magic, version, reserved, features, pack id
TRAILER: Final = struct.Struct(">QII8s")  # index offset, index length, blobs, end magic
ENTRY: Final = struct.Struct(">32sBBII")  # blob id, kind, codec, stored length, raw length
_META: Final = struct.Struct(">BBI")  # kind, codec, raw length: authenticated with each blob
_NONCE: Final = struct.Struct(">IQ")  # domain, place in the pack
_BLOB_DOMAIN, _INDEX_DOMAIN = 0, 1


class Kind(IntEnum):
    """What a blob is. Stored in packs and in the blob index: numbers never change."""

    DATA = 1  # a stretch of an item's bytes
    DICTIONARY = 2  # what small blobs are compressed with (store/dictionary.py)


class PackFormat(NamedTuple):
    """How a pack is written. Its key derives from this too. `features` are bits that a reader must know."""

    version: int
    features: int


FORMAT_1: Final = PackFormat(1, 0)  # data only, without dictionaries
FORMAT_2: Final = PackFormat(2, 0)
CURRENT_FORMAT: Final = FORMAT_2
# What may stand in a pack of each format: its kinds and codecs.
_ALLOWED: Final = {
    FORMAT_1: frozenset(product((Kind.DATA,), (Codec.RAW, Codec.ZSTD))),
    FORMAT_2: frozenset([*product(Kind, (Codec.RAW, Codec.ZSTD)), (Kind.DATA, Codec.ZSTD_DICTIONARY)]),
}


class Location(NamedTuple):
    """Where a blob lies. `stored_length` counts the tag, `raw_length` is that of the plaintext."""

    pack_id: bytes
    offset: int
    stored_length: int
    raw_length: int
    codec: int
    kind: int = Kind.DATA
    format: PackFormat = CURRENT_FORMAT


PackIndex = list[tuple[bytes, Location]]  # blob id and place, in the order of the pack


@dataclass(frozen=True, slots=True)
class SealedPack:
    """A finished pack, ready for the store: its bytes and what is in it."""

    pack_id: bytes
    data: bytearray
    blobs: PackIndex
    format: PackFormat = CURRENT_FORMAT

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class FoundPack:
    """A pack that lies in a store: what it says of itself, without its bytes."""

    pack_id: bytes
    size: int
    blobs: PackIndex

    @property
    def format(self) -> PackFormat:
        return self.blobs[0][1].format if self.blobs else CURRENT_FORMAT


def pack_key(pack_id: bytes) -> str:
    """Return the object name of a pack inside its vault."""
    name = pack_id.hex()
    return f"packs/{name[:2]}/{name}"


def frame_bytes(blobs: int) -> int:
    """Return how much of a pack of so many blobs is not blobs: header, index and trailer."""
    return HEADER.size + blobs * ENTRY.size + TAG_BYTES + TRAILER.size


class PackBuilder:
    """Collects encrypted blobs in memory until `seal`. One pack, one builder, one thread at a time."""

    def __init__(self, keys: VaultKeys, pack_id: bytes | None = None) -> None:
        """`pack_id` is given by tests only: an id used twice would use nonces twice (V6)."""
        self.pack_id = pack_id or os.urandom(PACK_ID_BYTES)
        version, features = CURRENT_FORMAT
        self._cipher = keys.pack_cipher(self.pack_id, version, features)
        self._data = bytearray(HEADER.pack(MAGIC, version, 0, features, self.pack_id))
        self._blobs: PackIndex = []

    def __len__(self) -> int:
        return len(self._data)

    def add(
        self,
        blob_id: bytes,
        codec: int,
        packed: bytes | memoryview,
        raw_length: int,
        kind: int = Kind.DATA,
    ) -> Location:
        """Encrypt and append one blob."""
        offset = len(self._data)
        bound = blob_id + _META.pack(kind, codec, raw_length)
        sealed = self._cipher.encrypt(_NONCE.pack(_BLOB_DOMAIN, offset), packed, bound)
        self._data += sealed
        location = Location(self.pack_id, offset, len(sealed), raw_length, codec, kind)
        self._blobs.append((blob_id, location))
        return location

    def seal(self) -> SealedPack:
        """Append index and trailer. The builder is used up."""
        offset, header = len(self._data), bytes(self._data[: HEADER.size])
        entries = b"".join(
            ENTRY.pack(blob_id, at.kind, at.codec, at.stored_length, at.raw_length)
            for blob_id, at in self._blobs
        )
        trailer = TRAILER.pack(offset, len(entries) + TAG_BYTES, len(self._blobs), END_MAGIC)
        self._data += self._cipher.encrypt(_NONCE.pack(_INDEX_DOMAIN, offset), entries, header + trailer)
        self._data += trailer
        return SealedPack(self.pack_id, self._data, self._blobs)


class PackOpener:
    """Decrypts blobs of one pack, given where they lie."""

    def __init__(self, keys: VaultKeys, pack_id: bytes, written: PackFormat = CURRENT_FORMAT) -> None:
        """Raises PackCorrupt when this release does not know the format that the pack was written in."""
        self._cipher = keys.pack_cipher(pack_id, *known_format(*written))

    def open(self, blob_id: bytes, location: Location, stored: bytes | memoryview) -> bytes:
        """Return the blob as it was before encryption, still compressed. Raises PackCorrupt."""
        if len(stored) != location.stored_length or not TAG_BYTES < len(stored) <= MAX_BLOB_BYTES + TAG_BYTES:
            raise PackCorrupt(f"{len(stored)} stored bytes instead of {location.stored_length}.")
        try:
            bound = blob_id + _META.pack(location.kind, location.codec, location.raw_length)
            return self._cipher.decrypt(_NONCE.pack(_BLOB_DOMAIN, location.offset), stored, bound)
        except (InvalidTag, struct.error) as error:
            raise PackCorrupt("The stored bytes do not authenticate.") from error


@dataclass(frozen=True, slots=True)
class Trailer:
    """The checked outline of a pack: where its index lies and how many blobs stand before it."""

    index_offset: int
    index_length: int
    blobs: int


def known_format(version: int, features: int) -> PackFormat:
    """Return the format that a pack names. Raises PackCorrupt for one that this release does not know."""
    if (named := PackFormat(version, features)) not in _ALLOWED:
        raise PackCorrupt(f"A pack has version {version}, features {features:#x}: unknown to this release.")
    return named


def parse_header(data: bytes) -> tuple[bytes, PackFormat]:
    """Return the pack id and the format of the pack. Raises PackCorrupt."""
    if len(data) < HEADER.size:
        raise PackCorrupt("A pack is shorter than its header.")
    magic, version, reserved, features, pack_id = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise PackCorrupt("This object is not a pack.")
    if reserved:
        raise PackCorrupt("A pack's header holds what this release does not know.")
    return bytes(pack_id), known_format(version, features)


def parse_trailer(data: bytes, pack_size: int) -> Trailer:
    """Check the last TRAILER.size bytes of a pack of `pack_size` bytes. Raises PackCorrupt."""
    smallest = HEADER.size + TAG_BYTES + TRAILER.size
    if len(data) != TRAILER.size or not smallest <= pack_size <= MAX_PACK_BYTES:
        raise PackCorrupt(f"A pack of {pack_size} bytes cannot be.")
    offset, length, blobs, magic = TRAILER.unpack(data)
    if magic != END_MAGIC:
        raise PackCorrupt("A pack has no end mark: it is cut or overwritten.")
    if length != blobs * ENTRY.size + TAG_BYTES or offset + length + TRAILER.size != pack_size:
        raise PackCorrupt("A pack's outline does not add up.")
    if offset < HEADER.size:
        raise PackCorrupt("A pack's index overlaps its header.")
    return Trailer(offset, length, blobs)


def parse_index(
    keys: VaultKeys, header: bytes, sealed_index: bytes, trailer: bytes, pack_size: int
) -> PackIndex:
    """Decrypt and check a pack's index. Raises PackCorrupt. Allocates at most a few times its length."""
    pack_id, written = parse_header(header)
    outline = parse_trailer(trailer, pack_size)
    if len(sealed_index) != outline.index_length:
        raise PackCorrupt("A pack's index is cut short.")
    cipher: AESGCM = keys.pack_cipher(pack_id, *written)
    try:
        nonce = _NONCE.pack(_INDEX_DOMAIN, outline.index_offset)
        entries = cipher.decrypt(nonce, sealed_index, header[: HEADER.size] + trailer)
    except InvalidTag as error:
        raise PackCorrupt("A pack's index does not authenticate: damaged, or of another vault.") from error
    return _walk(pack_id, written, entries, outline)


def _walk(pack_id: bytes, written: PackFormat, entries: bytes, outline: Trailer) -> PackIndex:
    allowed = _ALLOWED[written]
    blobs: PackIndex = []
    offset = HEADER.size
    for blob_id, kind, codec, stored_length, raw_length in ENTRY.iter_unpack(entries):
        if (kind, codec) not in allowed:
            raise PackCorrupt(
                f"A pack of version {written.version} holds a blob of kind {kind}, codec {codec}: not known."
            )
        place = Location(pack_id, offset, stored_length, raw_length, codec, kind, written)
        blobs.append((blob_id, place))
        offset += stored_length
    if offset != outline.index_offset:
        raise PackCorrupt("A pack's blobs do not reach its index.")
    return blobs
