"""Journals: what each snapshot changed, kept beside the packs, so that the database is never the only truth.

A journal is a head object and, when it is long, segments that are written before it:

    journals/<entity>/<sub-service>/<number>-<journal id>          head: who, which snapshot, the last lines
    journals/<entity>/<sub-service>/<number>-<journal id>.<part>   segment: lines only

Each object is header (36 bytes) | AES-256-GCM ciphertext and tag. A journal has its own random id and its own
key, the nonce is the part; authenticated with each object are its header and its name, so none can be moved,
renumbered or exchanged. The head names each segment by its SHA-256, and the head before it by its
own: its *link*. A *base* journal holds all that is left of a chain up to its number and answers to the link of
the journal that it replaces. docs/vault-format.md, "Journal", has every byte.
"""

import hashlib
import os
import re
import struct
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import zstandard
from cryptography.exceptions import InvalidTag

from .backends.base import ObjectStore
from .errors import JournalCorrupt, ObjectMissing
from .journal_lines import Line, decode_line, encode_line
from .keys import VaultKeys

MAGIC: Final = b"EVKJRNL\0"
VERSION: Final = 1
FEATURES: Final = 0  # bits that a reader must know; none exist yet
FOLDER: Final = "journals/"
SEGMENT_BYTES: Final = 8 * 1024 * 1024  # of lines, before compression
MAX_PLAIN_BYTES: Final = 256 * 1024 * 1024  # what a reader unpacks of one object
JOURNAL_ID_BYTES: Final = 16
TAG_BYTES: Final = 16

HEADER: Final = struct.Struct(">8sHHI16sI")  # magic, version, reserved, features, journal id, part (0: head)
_NONCE: Final = struct.Struct(">IQ")  # 0, part
_LENGTH: Final = struct.Struct(">I")
_RAW, _ZSTD = b"\0", b"\1"
_NAME: Final = re.compile(
    r"journals/(?P<entity>[0-9a-f]{32})/(?P<sub>[a-z_]{1,20})/(?P<number>\d{10})-(?P<id>[0-9a-f]{32})(?P<base>-base)?"
    r"(?:\.(?P<part>\d{6}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """The journals of one sub-service of one entity."""

    entity: uuid.UUID
    sub_service: str

    @property
    def folder(self) -> str:
        return f"{FOLDER}{self.entity.hex}/{self.sub_service}/"


@dataclass(frozen=True, slots=True, order=True)
class JournalName:
    """One journal, as its object names say it. Snapshot `number` may have several: of runs that died."""

    chain: Chain
    number: int
    journal_id: bytes
    base: bool = False

    @property
    def short(self) -> str:
        """The last segment of the head's name: what a snapshot row keeps."""
        return f"{self.number:010d}-{self.journal_id.hex()}{'-base' if self.base else ''}"

    def key(self, part: int = 0) -> str:
        """Return the object name of the head (0) or of a segment (1, 2, ...)."""
        return f"{self.chain.folder}{self.short}{f'.{part:06d}' if part else ''}"


def parse_name(key: str) -> tuple[JournalName, int] | None:
    """Return which journal and which part of it an object is; None when no writer would name one so."""
    found = _NAME.fullmatch(key)
    if found is None or found["part"] == "000000":
        return None
    chain = Chain(uuid.UUID(hex=found["entity"]), found["sub"])
    name = JournalName(chain, int(found["number"]), bytes.fromhex(found["id"]), found["base"] is not None)
    return name, int(found["part"] or 0)


def list_journals(store: ObjectStore, chain: Chain | None = None) -> Iterator[tuple[JournalName, int, int]]:
    """Yield journal, part (0: head) and size of each object of a chain, or of all, sorted by name."""
    for found in store.list(chain.folder if chain else FOLDER):
        if named := parse_name(found.key):
            yield *named, found.size


class JournalWriter:
    """Writes one journal. Nothing of it counts before `finish` has returned. Memory: one segment."""

    def __init__(
        self,
        keys: VaultKeys,
        store: ObjectStore,
        chain: Chain,
        number: int,
        *,
        base: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.name = JournalName(chain, number, os.urandom(JOURNAL_ID_BYTES), base)
        self._keys, self._store, self._segment_bytes = keys, store, segment_bytes
        self._lines = bytearray()
        self._count = 0
        self._segments: list[dict[str, Any]] = []

    def add(self, line: Line) -> None:
        """Append a line. Raises StoreError when a segment that is full cannot be stored."""
        self._lines += encode_line(line)
        self._count += 1
        if len(self._lines) >= self._segment_bytes:
            self._put_segment()

    def finish(self, info: Mapping[str, Any], *, link: str = "") -> "Written":
        """Make the journal durable: the head comes last. `link`: what a base answers to. Raises StoreError."""
        info = {**info, "segments": self._segments, "lines": self._count}
        if self.name.base:
            info["link"] = link
        sealed = seal(self._keys, self.name, 0, _pack_head(info, bytes(self._lines)))
        self._store.put_if_absent(self.name.key(), sealed)
        return Written(self.name, link if self.name.base else hashlib.sha256(sealed).hexdigest())

    def _put_segment(self) -> None:
        part = len(self._segments) + 1
        sealed = seal(self._keys, self.name, part, bytes(self._lines))
        self._store.put_if_absent(self.name.key(part), sealed)
        self._segments.append({"sha256": hashlib.sha256(sealed).hexdigest(), "lines": self._count})
        self._lines.clear()
        self._count = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A durable journal and its link: what the next one names as the one before."""

    name: JournalName
    link: str


@dataclass(frozen=True, slots=True)
class Journal:
    """An opened head. `info` is as docs/vault-format.md says; `link` is what the next journal names."""

    name: JournalName
    info: dict[str, Any]
    link: str
    _tail: bytes = field(repr=False)

    def lines(self, store: ObjectStore, keys: VaultKeys) -> Iterator[Line]:
        """Yield all lines in order. Raises JournalCorrupt at a segment that is missing or not whole."""
        for part, segment in enumerate(self.info["segments"], 1):
            sealed = _fetch(store, self.name, part)
            if hashlib.sha256(sealed).hexdigest() != segment["sha256"]:
                raise JournalCorrupt(f"Segment {part} of journal {self.name.key()} is not the one it names.")
            yield from _lines_of(open_sealed(keys, self.name, part, sealed), segment["lines"], self.name)
        yield from _lines_of(self._tail, self.info["lines"], self.name)


def open_journal(store: ObjectStore, keys: VaultKeys, name: JournalName) -> Journal:
    """Read a head. Raises JournalCorrupt (damaged, foreign, of another format), ObjectMissing, StoreError."""
    sealed = store.get(name.key())
    info, tail = _unpack_head(open_sealed(keys, name, 0, sealed), name)
    link = info["link"] if name.base else hashlib.sha256(sealed).hexdigest()
    return Journal(name, info, link, tail)


@dataclass(frozen=True, slots=True)
class JournalFolder:
    """All journals of one vault. Holds its keys: keep it no longer than the work."""

    keys: VaultKeys
    store: ObjectStore

    def write(self, chain: Chain, number: int, *, base: bool = False) -> JournalWriter:
        """Begin a journal of that snapshot, under a name of its own."""
        return JournalWriter(self.keys, self.store, chain, number, base=base)

    def list(self, chain: Chain | None = None) -> Iterator[tuple[JournalName, int, int]]:
        """Yield journal, part and size of each object: `list_journals`."""
        return list_journals(self.store, chain)

    def open(self, name: JournalName) -> Journal:
        """Read a head: `open_journal`."""
        return open_journal(self.store, self.keys, name)

    def lines(self, journal: Journal) -> Iterator[Line]:
        """Yield an opened journal's lines: `Journal.lines`."""
        return journal.lines(self.store, self.keys)

    def remove(self, name: JournalName, part: int = 0) -> None:
        """Delete one object of a journal that nothing needs. Raises ObjectLocked, StoreError."""
        self.store.delete(name.key(part))


def seal(keys: VaultKeys, name: JournalName, part: int, plain: bytes, *, compress: bool = True) -> bytes:
    """Return the bytes of one object. An id's part is sealed once: the nonce is the part."""
    packed = zstandard.ZstdCompressor(level=3).compress(plain) if compress else plain
    payload = _ZSTD + packed if len(packed) < len(plain) else _RAW + plain
    header = HEADER.pack(MAGIC, VERSION, 0, FEATURES, name.journal_id, part)
    cipher = keys.journal_cipher(name.journal_id, VERSION, FEATURES)
    return header + cipher.encrypt(_NONCE.pack(0, part), payload, header + name.key(part).encode("ascii"))


def open_sealed(keys: VaultKeys, name: JournalName, part: int, sealed: bytes) -> bytes:
    """Return the plain bytes of one object. Raises JournalCorrupt."""
    key = name.key(part)
    if len(sealed) < HEADER.size + TAG_BYTES + 1:
        raise JournalCorrupt(f"{key} is cut short.")
    header = sealed[: HEADER.size]
    magic, version, reserved, features, journal_id, said = HEADER.unpack(header)
    if magic != MAGIC:
        raise JournalCorrupt(f"{key} is not a journal.")
    if version != VERSION or reserved or features & ~FEATURES:
        raise JournalCorrupt(f"{key} has version {version}, features {features:#x}: unknown to this release.")
    if (journal_id, said) != (name.journal_id, part):
        raise JournalCorrupt(f"Under the name {key} lies another object.")
    try:
        cipher = keys.journal_cipher(journal_id, version, features)
        payload = cipher.decrypt(_NONCE.pack(0, part), sealed[HEADER.size :], header + key.encode("ascii"))
    except InvalidTag as error:
        raise JournalCorrupt(f"{key} does not authenticate: damaged, or of another vault.") from error
    return _unpack(payload, key)


def _unpack(payload: bytes, key: str) -> bytes:
    codec, packed = payload[:1], payload[1:]
    if codec == _RAW:
        return packed
    if codec != _ZSTD:
        raise JournalCorrupt(f"{key} uses codec {codec.hex()}, which this release does not know.")
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= MAX_PLAIN_BYTES:
            raise JournalCorrupt(f"{key} announces {size} bytes, which no writer stores.")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise JournalCorrupt(f"{key} does not decompress: {error}.") from error


def _fetch(store: ObjectStore, name: JournalName, part: int) -> bytes:
    try:
        return store.get(name.key(part))
    except ObjectMissing as error:
        raise JournalCorrupt(f"Segment {part} of journal {name.key()} is missing.") from error


def _pack_head(info: Mapping[str, Any], tail: bytes) -> bytes:
    text = orjson.dumps(info)
    return _LENGTH.pack(len(text)) + text + tail


def _unpack_head(plain: bytes, name: JournalName) -> tuple[dict[str, Any], bytes]:
    start = _LENGTH.size
    end = start + (_LENGTH.unpack_from(plain)[0] if len(plain) >= start else len(plain))
    if end > len(plain):
        raise JournalCorrupt(f"The head of journal {name.key()} is cut short.")
    try:
        info = orjson.loads(plain[start:end])
    except orjson.JSONDecodeError as error:
        raise JournalCorrupt(f"The head of journal {name.key()} does not parse.") from error
    if not _is_head(info, base=name.base):
        raise JournalCorrupt(f"The head of journal {name.key()} is not one.")
    return info, plain[end:]


def _is_head(info: Any, *, base: bool) -> bool:
    """Tell whether all that this module relies on is there; the rest is its readers' business."""
    return (
        isinstance(info, dict)
        and isinstance(info.get("lines"), int)
        and isinstance(info.get("segments"), list)
        and all(
            isinstance(each, dict)
            and isinstance(each.get("sha256"), str)
            and isinstance(each.get("lines"), int)
            for each in info["segments"]
        )
        and (not base or isinstance(info.get("link"), str))
    )


def _is_segment(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("sha256"), str) and isinstance(said.get("lines"), int)


def _lines_of(plain: bytes, count: int, name: JournalName) -> Iterator[Line]:
    lines = plain.split(b"\n")
    if lines.pop() or len(lines) != count:
        raise JournalCorrupt(f"Journal {name.key()} has {len(lines)} lines where its head says {count}.")
    yield from map(decode_line, lines)
