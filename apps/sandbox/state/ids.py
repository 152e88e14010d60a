"""Exchange item ids: opaque to a client, decoded here without a lookup.

An id is base64url of a mailbox prefix and 17 bytes: kind (1), key (8), version (4), CRC-32 (4).
Mutable message ids carry the number of moves as version: a moved message has a new id, its old id is dead.
"""

import hashlib
import struct
import uuid
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import b2a_base64
from dataclasses import dataclass
from functools import lru_cache

MUTABLE, IMMUTABLE, FOLDER, ATTACHMENT = 0x07, 0x09, 0x2E, 0x12
THING, THING_FOLDER, THING_FILE = 0x0A, 0x2F, 0x13
_TAIL = struct.Struct(">BQI")
_TAIL_CHARS = 24
_URLSAFE = bytes.maketrans(b"+/", b"-_")


class MalformedId(ValueError):
    """The text is no id that this mailbox service ever gave out."""


class ForeignId(ValueError):
    """A real id, of another mailbox."""


@dataclass(frozen=True, slots=True)
class ItemId:
    kind: int
    key: int
    version: int


@lru_cache(maxsize=65536)
def _prefix(mailbox_guid: str, immutable: bool) -> tuple[str, int]:
    head = b"\x00\x09\x00\x2c" if immutable else b"\x00\x03\x24\x00"
    filler = hashlib.sha256(mailbox_guid.encode()).digest()[:23]
    raw = head + mailbox_guid.encode() + b"\x00\x46\x00\x00\x00\x00\x00" + filler + b"\x07\x00"
    return urlsafe_b64encode(raw).decode(), zlib.crc32(raw)


def encode(mailbox_guid: str, kind: int, key: int, version: int = 0) -> str:
    prefix, salt = _prefix(mailbox_guid, kind == IMMUTABLE)
    tail = _TAIL.pack(kind, key, version)
    tail += struct.pack(">I", zlib.crc32(tail, salt))
    return prefix + b2a_base64(tail, newline=False).translate(_URLSAFE).decode()


def decode(mailbox_guid: str, text: str) -> ItemId:
    """Raises MalformedId or ForeignId."""
    prefix = text[:-_TAIL_CHARS]
    try:
        raw = urlsafe_b64decode(text[-_TAIL_CHARS:])
        kind, key, version = _TAIL.unpack(raw[:13])
    except (Base64Error, struct.error, ValueError) as error:
        raise MalformedId(text) from error
    own, salt = _prefix(mailbox_guid, kind == IMMUTABLE)
    if prefix != own:
        raise ForeignId(text) if len(prefix) == len(own) else MalformedId(text)
    if struct.pack(">I", zlib.crc32(raw[:13], salt)) != raw[13:]:
        raise MalformedId(text)
    return ItemId(kind, key, version)


def guid(*names: object) -> str:
    """A GUID that is the same for the same names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "sandbox:" + "/".join(map(str, names))))


def change_key(seq: int) -> str:
    return "CQAAABYAAAD" + urlsafe_b64encode(struct.pack(">QQ", 0x51F0C0DE, seq)).decode().rstrip("=")
