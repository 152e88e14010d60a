#!/usr/bin/env python3
"""Read Everkeep backups without Everkeep: list, verify and export a vault from its store and a key alone.

    python3 everkeep_reader.py list   /mnt/store
    python3 everkeep_reader.py verify /mnt/store
    python3 everkeep_reader.py export /mnt/store --entity bob@example.com --day 2026-11-20 --to restored

Needs Python 3.9 or newer and `pip install cryptography zstandard blake3`. The store is a folder: the local one,
or a copy of the bucket on a disk; several may be given when a vault lies in several. The recovery key is asked
for, or read from a file. Nothing is ever written to the store. README.md beside this file says more.

Written from docs/vault-format.md alone, as a second implementation: it shares no line with the application.
Exit status: 0 all is well, 1 something is damaged or missing (named on standard error), 2 it could not begin.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import functools
import getpass
import hashlib
import json
import os
import re
import sqlite3
import struct
import sys
import unicodedata
import uuid
from collections import OrderedDict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, NamedTuple

try:
    import zstandard
    from blake3 import blake3
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError as missing:
    sys.exit(f"{missing}. Run: python3 -m pip install cryptography zstandard blake3")

TAG = 16
MAX_PACK = 128 * 1024 * 1024
MAX_BLOB = 16 * 1024 * 1024
MAX_SKELETON = 16 * 1024 * 1024
MAX_JOURNAL = 256 * 1024 * 1024
MAX_ENVELOPE = 16 * 1024
MAX_LINE = 65536
WELL, DAMAGED, CANNOT = 0, 1, 2


class Damage(Exception):
    """Bytes that are not what was written, or are not there. The message names them."""


class CannotBegin(Exception):
    """A wrong key, a folder that is no store, an argument that makes no sense."""


# --- Keys -----------------------------------------------------------------------------------------

ENVELOPE = struct.Struct(">8sHHI16sQ")  # magic, version, reserved, features, vault, account
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def derive(secret: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


class Keys:
    """The two keys of a vault and what is derived from them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 64:
            raise CannotBegin(f"A vault's keys have 64 bytes, these have {len(secret)}.")
        self.data_key, self.id_key = secret[:32], secret[32:]

    def blob_id(self, plaintext: bytes) -> bytes:
        return blake3(plaintext, key=self.id_key).digest()

    def cipher(self, word: bytes, salt: bytes, version: int, features: int) -> AESGCM:
        return AESGCM(derive(self.data_key, salt, word + struct.pack(">HI", version, features), 32))


def recovery_secret(text: str) -> tuple[str, bytes]:
    """Return the name of the envelope that a recovery key opens, and the key for it."""
    signs = re.sub(r"[\W_]+", "", text).upper().translate(str.maketrans("OIL", "011"))
    signs = signs[4:] if len(signs) == 40 and signs.startswith("EVK1") else signs
    if len(signs) != 36 or set(signs) - set(ALPHABET):
        raise CannotBegin("This is no recovery key: it has EVK1 and nine groups of four letters and digits.")
    number = 0
    for sign in signs:
        number = number << 5 | ALPHABET.index(sign)
    secret, check = (number >> 20).to_bytes(20, "big"), number & 0xFFFFF
    digest = hashlib.sha256(b"everkeep recovery key check v1" + secret).digest()
    if int.from_bytes(digest[:3], "big") >> 4 != check:
        raise CannotBegin("The recovery key is mistyped: its last group does not fit the others.")
    derived = derive(secret, None, b"everkeep recovery key v1", 40)
    return f"recovery-{derived[32:].hex()}", derived[:32]


def master_secrets(text: str) -> dict[str, bytes]:
    """Read master keys, `id:base64` one a line."""
    found = {}
    for line in text.replace(",", "\n").splitlines():
        entry = line.partition("#")[0].strip()
        if entry:
            name, _, encoded = entry.partition(":")
            try:
                found[name] = base64.b64decode(encoded, validate=True)
            except ValueError:
                raise CannotBegin(f"The master key {name!r} is not `id:base64`.") from None
    if not found or any(len(secret) != 32 for secret in found.values()):
        raise CannotBegin("The file holds no master keys of the form `id:base64`.")
    return found


def open_envelope(raw: bytes, vault: str, secrets: dict[str, bytes]) -> Keys | None:
    """Return the keys, None when the envelope asks for a key that is not at hand. Raises Damage."""
    if len(raw) < ENVELOPE.size + 2:
        raise Damage("the key envelope is cut short")
    magic, version, reserved, features, vault_id, account = ENVELOPE.unpack_from(raw)
    if magic != b"EVKKEYS\0" or version != 1 or reserved or features > 1:
        raise Damage("the key envelope is of no kind that this program knows")
    if vault_id.hex() != vault:
        raise Damage("the key envelope belongs to another vault")
    if features == 1:
        return None  # sealed by AWS KMS
    length = raw[41]
    begin = 74 + length
    name = raw[42 : 42 + length].decode("ascii", "replace")
    if raw[40] != 1 or len(raw) != begin + 64 + TAG:
        raise Damage("the key envelope is cut short or of another version")
    if name not in secrets:
        return None
    derived = derive(secrets[name], raw[42 + length : begin], b"everkeep seal v1", 44)
    bound = raw[40:begin] + struct.pack(">Q", account) + b"vault.keys:" + raw[:40].hex().encode()
    try:
        return Keys(AESGCM(derived[:32]).decrypt(derived[32:], raw[begin:], bound))
    except InvalidTag:
        raise Damage(f"the key envelope {name} does not open: damaged, or the key is another one") from None


# --- Stores ---------------------------------------------------------------------------------------

VAULT_NAME = re.compile(r"[0-9a-f]{32}")


def vaults_in(stores: list[Path]) -> list[str]:
    """Return the names of all vaults in some stores."""
    found = set()
    for store in stores:
        if not store.is_dir():
            raise CannotBegin(f"{store} is not a folder.")
        for entry in store.iterdir():
            if VAULT_NAME.fullmatch(entry.name) and (entry / "keys").is_dir():
                found.add(entry.name)
    if not found:
        raise CannotBegin("There is no vault in this folder: give the one that holds everkeep-store.json.")
    return sorted(found)


def objects(folder: Path) -> Iterator[Path]:
    """Yield all objects below a folder, sorted; names that start with a dot are remains of broken writes."""
    if folder.is_dir():
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and not entry.is_symlink():
                yield from objects(entry)
            elif entry.is_file():
                yield entry


def read_whole(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise Damage(f"{path} has {size} bytes, more than any writer stores")
        return path.read_bytes()
    except OSError as error:
        raise Damage(f"{path} cannot be read: {error.strerror}") from error


# --- Packs ----------------------------------------------------------------------------------------

HEADER = struct.Struct(">8sHHI16s")  # magic, version, reserved, features, pack
TRAILER = struct.Struct(">QII8s")  # where the index starts, its length, blobs, magic
ENTRY = struct.Struct(">32sBBII")  # blob, kind, codec, stored length, raw length
DATA, DICTIONARY = 1, 2
RAW, ZSTD, ZSTD_DICTIONARY = 0, 1, 2
KNOWN = {
    1: {(DATA, RAW), (DATA, ZSTD)},
    2: {(DATA, RAW), (DATA, ZSTD), (DATA, ZSTD_DICTIONARY), (DICTIONARY, RAW), (DICTIONARY, ZSTD)},
}


class Place(NamedTuple):
    """Where a copy of a blob lies."""

    pack: int
    offset: int
    stored: int
    raw: int
    codec: int
    kind: int


class Pack:
    """One pack that has proved its outline. Memory: about the size of its index, once."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path = path
        with self._reading() as file:
            size = os.fstat(file.fileno()).st_size
            if not HEADER.size + TAG + TRAILER.size <= size <= MAX_PACK:
                raise Damage(f"pack {path} has {size} bytes, which cannot be")
            header, trailer = file.read(HEADER.size), self._at(file, size - TRAILER.size, TRAILER.size)
            magic, self.version, reserved, features, pack_id = HEADER.unpack(header)
            if magic != b"EVKPACK\0":
                raise Damage(f"{path} is not a pack")
            if self.version not in KNOWN or reserved or features:
                raise Damage(f"pack {path} is of version {self.version}, features {features}: not known")
            if pack_id.hex() != path.name:
                raise Damage(f"under the name of pack {path} lies another one")
            offset, length, blobs, magic = TRAILER.unpack(trailer)
            whole = offset >= HEADER.size and length == blobs * ENTRY.size + TAG
            if magic != b"EVKPEND\0" or not whole or offset + length + TRAILER.size != size:
                raise Damage(f"the outline of pack {path} does not add up: it is cut or overwritten")
            self.cipher = keys.cipher(b"everkeep pack", pack_id, self.version, features)
            try:
                sealed = self._at(file, offset, length)
                self._entries = self.cipher.decrypt(struct.pack(">IQ", 1, offset), sealed, header + trailer)
            except InvalidTag:
                raise Damage(f"the index of pack {path} is damaged, or of another vault") from None
        self._end = offset

    def entries(self, number: int) -> Iterator[tuple[bytes, Place]]:
        """Yield what the pack says that it holds, once; nothing when it contradicts itself."""
        entries, self._entries = self._entries, b""
        end = HEADER.size
        for _, kind, codec, stored, _ in ENTRY.iter_unpack(entries):
            if (kind, codec) not in KNOWN[self.version]:
                raise Damage(f"pack {self.path} holds a blob of kind {kind}, codec {codec}: not known")
            end += stored
        if end != self._end:
            raise Damage(f"the blobs of pack {self.path} do not reach its index")
        offset = HEADER.size
        for blob, kind, codec, stored, raw in ENTRY.iter_unpack(entries):
            yield blob, Place(number, offset, stored, raw, codec, kind)
            offset += stored

    def unseal(self, blob: bytes, place: Place) -> bytes:
        """Return a blob as it was before encryption."""
        if not TAG < place.stored <= MAX_BLOB + TAG or place.raw > MAX_BLOB:
            raise Damage(f"blob {blob.hex()} in pack {self.path} claims a size that no writer stores")
        with self._reading() as file:
            sealed = self._at(file, place.offset, place.stored)
        bound = blob + struct.pack(">BBI", place.kind, place.codec, place.raw)
        try:
            return self.cipher.decrypt(struct.pack(">IQ", 0, place.offset), sealed, bound)
        except InvalidTag:
            raise Damage(f"blob {blob.hex()} in pack {self.path} is damaged") from None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        try:
            with self.path.open("rb", buffering=0) as file:
                yield file
        except OSError as error:
            raise Damage(f"pack {self.path} cannot be read: {error.strerror}") from error

    def _at(self, file: Any, offset: int, length: int) -> bytes:
        file.seek(offset)
        data = file.read(length)
        if len(data) != length:
            raise Damage(f"pack {self.path} is cut short")
        return bytes(data)


def inflate(packed: bytes, size: int, engine: Any) -> bytes:
    """Unpack one zstd frame that must announce `size` bytes: nothing is allocated before that is sure."""
    try:
        if zstandard.frame_content_size(packed) != size:
            raise Damage("a compressed frame announces another length")
        return engine.decompress(packed, max_output_size=size, allow_extra_data=False) if size else b""
    except zstandard.ZstdError as error:
        raise Damage(f"a compressed frame is broken ({error})") from None


class Blobs:
    """All blobs of a vault, looked up in a temporary SQLite file: memory does not grow with the vault."""

    def __init__(self, keys: Keys) -> None:
        self.keys, self.packs = keys, list[Pack]()
        self._index = sqlite3.connect("")
        self._index.execute(
            "CREATE TABLE place (blob BLOB, pack INT, at INT, stored INT, raw INT, codec INT, kind INT,"
            " PRIMARY KEY (blob, pack, at)) WITHOUT ROWID"
        )
        self._plain = zstandard.ZstdDecompressor()
        self._trained: OrderedDict[bytes, Any] = OrderedDict()

    def add(self, pack: Pack) -> None:
        """Index a pack. Raises Damage, with nothing of it indexed."""
        rows = ((blob, *place) for blob, place in pack.entries(len(self.packs)))
        with self._index:  # all or nothing
            self._index.executemany("INSERT OR IGNORE INTO place VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self.packs.append(pack)

    def places(self, pack: int) -> list[tuple[bytes, Place]]:
        rows = self._index.execute("SELECT * FROM place WHERE pack = ? ORDER BY at", (pack,))
        return [(row[0], Place(*row[1:])) for row in rows]

    def forget(self, blob: bytes, place: Place) -> None:
        """Take a copy that turned out bad out of the index."""
        with self._index:
            self._index.execute("DELETE FROM place WHERE blob = ? AND pack = ? AND at = ?", (blob, *place[:2]))

    def has(self, blob: bytes) -> bool:
        return bool(self._index.execute("SELECT 1 FROM place WHERE blob = ? LIMIT 1", (blob,)).fetchone())

    def read(self, blob: bytes) -> bytes:
        """Return a blob from the first copy that is whole."""
        last = Damage(f"blob {blob.hex()} is in no pack that can be read")
        for row in self._index.execute("SELECT * FROM place WHERE blob = ? ORDER BY pack", (blob,)).fetchall():
            try:
                return self.read_copy(blob, Place(*row[1:]))
            except Damage as error:
                last = error
        raise last

    def read_copy(self, blob: bytes, place: Place) -> bytes:
        """Return a blob from one copy, checked against its name."""
        pack = self.packs[place.pack]
        packed = pack.unseal(blob, place)
        try:
            if place.codec == ZSTD:
                plaintext = inflate(packed, place.raw, self._plain)
            elif place.codec == ZSTD_DICTIONARY:
                plaintext = inflate(packed[4:], place.raw, self._with_dictionary(packed[:4]))
            else:
                plaintext = packed
        except Damage as error:
            raise Damage(f"blob {blob.hex()} in pack {pack.path}: {error}") from None
        if len(plaintext) != place.raw or self.keys.blob_id(plaintext) != blob:
            raise Damage(f"blob {blob.hex()} in pack {pack.path} is not the one that its name says")
        return plaintext

    def _with_dictionary(self, number: bytes) -> Any:
        if number not in self._trained:
            data = zstandard.ZstdCompressionDict(self._dictionary(number))
            try:
                self._trained[number] = zstandard.ZstdDecompressor(dict_data=data)
            except zstandard.ZstdError as error:
                raise Damage(f"the dictionary {number.hex()} is not one ({error})") from None
            if len(self._trained) > 16:
                self._trained.popitem(last=False)
        return self._trained[number]

    def _dictionary(self, number: bytes) -> bytes:
        """The number is the first bytes of the first copy's name; a second copy says whose it is."""
        rows = self._index.execute("SELECT DISTINCT blob FROM place WHERE kind = ?", (DICTIONARY,)).fetchall()
        for (blob,) in sorted(rows, key=lambda row: row[0][:4] != number):
            with contextlib.suppress(Damage):
                plaintext = self.read(blob)
                own = plaintext[2:6] == bytes(4) and blob[:4] == number
                if len(plaintext) > 6 and plaintext[0] == 1 and (own or plaintext[2:6] == number != bytes(4)):
                    return plaintext[6:]
        raise Damage(f"it needs the dictionary {number.hex()}, which is in no pack that can be read")


# --- Content lists --------------------------------------------------------------------------------

MIME, PROPS, FILE, ATTACHMENT = 1, 2, 3, 4
ENDINGS = (b"", b"\n", b"\r\n")


class Hole(NamedTuple):
    """Base64 text of a message: `size` bytes, in the next `blobs` blobs, or in the skeleton with 0."""

    skip: int
    size: int
    line: int
    ending: bytes
    blobs: int


class Part(NamedTuple):
    """One part of an item. With `holes`, the first `skeleton` blobs are the text around them."""

    role: int
    size: int
    blobs: list[bytes]
    skeleton_size: int
    skeleton: int
    holes: list[Hole]


class Cursor:
    """Reads forward, never over the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        self.at += length
        if self.at > len(self.data):
            raise Damage("a content list is cut short")
        return self.data[self.at - length : self.at]

    def number(self) -> int:
        value = 0
        for shift in range(0, 63, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    break
                return value
        raise Damage("a content list holds a number that is not in its shortest form")

    def count(self, least: int) -> int:
        count = self.number()
        if count * least > len(self.data) - self.at:
            raise Damage("a content list is cut short")
        return count


def parse_content(data: bytes) -> list[Part]:
    cursor = Cursor(data)
    version = cursor.take(1)[0]
    if version not in (1, 2):
        raise Damage(f"a content list is of version {version}, which this program does not know")
    parts = [_parse_part(cursor, version) for _ in range(cursor.count(3))]
    if cursor.at != len(data):
        raise Damage("a content list has bytes after its end")
    return parts


def _parse_part(cursor: Cursor, version: int) -> Part:
    role, size = cursor.take(1)[0], cursor.number()
    blobs = [cursor.take(32) for _ in range(cursor.count(32))]
    skeleton_size = skeleton = 0
    holes = list[Hole]()
    count = cursor.count(5) if version == 2 else 0
    if count:
        skeleton_size, skeleton = cursor.number(), cursor.number()
        holes = [_parse_hole(cursor) for _ in range(count)]
        if not 0 < skeleton <= len(blobs) or not 0 < skeleton_size <= MAX_SKELETON:
            raise Damage("a recipe has a skeleton that cannot be")
        if skeleton + sum(hole.blobs for hole in holes) != len(blobs):
            raise Damage("a recipe does not use the blobs that it names")
    if role not in (MIME, PROPS, FILE, ATTACHMENT) or (size > 0) != (len(blobs) > 0):
        raise Damage("a content list has a part that cannot be")
    return Part(role, size, blobs, skeleton_size, skeleton, holes)


def _parse_hole(cursor: Cursor) -> Hole:
    skip, size, line, ending, blobs = (
        cursor.number(), cursor.number(), cursor.number(), cursor.take(1)[0], cursor.number(),
    )  # fmt: skip
    if ending >= len(ENDINGS) or not size or line % 4 or line > MAX_LINE or (line == 0) != (ending == 0):
        raise Damage("a recipe has a hole that cannot be")
    return Hole(skip, size, line, ENDINGS[ending], blobs)


def part_bytes(part: Part, blobs: Blobs) -> Iterator[bytes]:
    """Yield a part piece by piece; fails at the end when the pieces are not as long as the part."""
    done = 0
    for piece in _with_holes(part, blobs) if part.holes else map(blobs.read, part.blobs):
        done += len(piece)
        if done > part.size:
            break
        yield piece
    if done != part.size:
        raise Damage(f"it has another length than the {part.size} bytes that were kept")


def _with_holes(part: Part, blobs: Blobs) -> Iterator[bytes]:
    """Put a message together: skeleton, hole, skeleton, …"""
    skeleton = bytearray()
    for blob in part.blobs[: part.skeleton]:
        skeleton += blobs.read(blob)
        if len(skeleton) > part.skeleton_size:
            break
    if len(skeleton) != part.skeleton_size:
        raise Damage("the skeleton of a message has another length than was kept")
    at, used = 0, part.skeleton
    for hole in part.holes:
        yield bytes(skeleton[at : at + hole.skip])
        at += hole.skip
        if hole.blobs:
            yield from _base64(hole, map(blobs.read, part.blobs[used : used + hole.blobs]))
            used += hole.blobs
        else:
            yield from _base64(hole, [bytes(skeleton[at : at + hole.size])])
            at += hole.size
    yield bytes(skeleton[at:])


def _base64(hole: Hole, pieces: Iterable[bytes]) -> Iterator[bytes]:
    step = hole.line // 4 * 3 if hole.line else 3 * 16384
    width = step // 3 * 4
    kept, done, ending = b"", 0, b""
    for piece in pieces:
        kept, done = kept + piece, done + len(piece)
        whole = (len(kept) - 1) // step * step  # the last line waits: no line end follows it
        if whole > 0:
            text = binascii.b2a_base64(kept[:whole], newline=False)
            yield ending + hole.ending.join(text[i : i + width] for i in range(0, len(text), width))
            kept, ending = kept[whole:], hole.ending
    if done != hole.size or not kept:
        raise Damage("an attachment has another length than was kept")
    yield ending + binascii.b2a_base64(kept, newline=False)


# --- Journals -------------------------------------------------------------------------------------

JOURNAL = struct.Struct(">8sHHI16sI")  # magic, version, reserved, features, journal, part
JOURNAL_NAME = re.compile(r"(\d{10})-([0-9a-f]{32})(-base)?(?:\.(\d{6}))?")
COLUMNS = 15  # of a "v" line, after the "v"
SAID = ("account", "connection", "task", "entity", "snapshot")


class Version(NamedTuple):
    """A state of a folder or an item, from snapshot `first` until before `gone`."""

    remote_id: str
    parent_id: Any
    is_folder: bool
    well_known: str
    name: str
    author: str
    recipients: str
    time: Any
    size: int
    has_attachments: bool
    etag: str
    content: str
    props: str
    first: int
    gone: Any


class Head(NamedTuple):
    """A journal that opens. `link` is what the next one names, `before` what this one names."""

    number: int
    name: str
    base: bool
    link: str
    before: Any
    info: dict[str, Any]


class Chain:
    """The journals of one sub-service of one entity."""

    def __init__(self, vault: Vault, entity: str, sub_service: str) -> None:
        self.vault, self.entity, self.sub_service = vault, entity, sub_service
        self.prefix = f"journals/{entity}/{sub_service}/"

    @functools.cached_property
    def info(self) -> dict[str, Any]:
        """What the newest journal that opens says of account, task, entity…; only that one is read for it."""
        for name in sorted(self.vault.names(self.prefix), reverse=True):
            found = JOURNAL_NAME.fullmatch(name)
            if found and not found[4]:
                with contextlib.suppress(Damage):
                    return _parse_info(self._object(name, 0)[0], name)
        return {"entity": {}}

    @property
    def words(self) -> str:
        entity = self.info["entity"]
        name, address = entity.get("name") or self.entity, entity.get("address") or ""
        return f"{name} <{address}> {self.sub_service}" if address else f"{name} {self.sub_service}"

    @property
    def heads(self) -> list[Head]:
        """The journals that count, oldest first."""
        return self._chosen[0]

    @property
    def troubles(self) -> list[str]:
        """What is wrong with the chain itself."""
        return self._chosen[1]

    def snapshots(self) -> list[dict[str, Any]]:
        """All snapshots that can be rebuilt, oldest first."""
        found = []
        for head in self.heads:
            if head.base:
                lines = (line[1] for line in self._lines_or_none(head) if line[0] == "s")
                found += [each.get("snapshot") for each in lines if isinstance(each, dict)]
            found.append(head.info.get("snapshot"))
        return [each for each in found if isinstance(each, dict) and isinstance(each.get("number"), int)]

    def _lines_or_none(self, head: Head) -> Iterator[list[Any]]:
        with contextlib.suppress(Damage):
            yield from self.lines(head)

    def lines(self, head: Head) -> Iterator[list[Any]]:
        """Yield the lines of a journal in order. Raises Damage at the first that cannot be had."""
        for part, segment in enumerate(head.info["segments"], 1):
            plain, digest = self._object(head.name, part)
            if digest != segment.get("sha256"):
                raise Damage(f"segment {part} of journal {self.prefix}{head.name} is not the one that it names")
            yield from _parse_lines(plain, segment.get("lines"), head.name)
        plain, _ = self._object(head.name, 0)
        yield from _parse_lines(plain[4 + struct.unpack_from(">I", plain)[0] :], head.info["lines"], head.name)

    def state(self, number: int, keep: Callable[[Version], None], drop: Callable[[str], None]) -> list[str]:
        """Tell what begins and ends until snapshot `number`, in order. Returns what could not be read."""
        troubles = []
        for head in self.heads:
            if head.number > number and not head.base:
                break
            try:
                for line in self.lines(head):
                    if line[0] == "e":
                        drop(line[1])
                    elif line[0] == "v":
                        version = Version(*line[1:])
                        if not head.base or version.first <= number < (version.gone or number + 1):
                            keep(version)
            except Damage as error:
                troubles.append(f"{self.words}, snapshot {head.number}: {error}. What it changed is missing")
        return troubles

    @functools.cached_property
    def _chosen(self) -> tuple[list[Head], list[str]]:
        """Find the journals that count, from the newest back: each names the one before it."""
        heads, troubles = self._all_heads()
        if not heads:
            return [], troubles
        start = max((head.number for head in heads if head.base), default=None)
        by_number: dict[int, list[Head]] = {}
        for head in heads:
            if start is None or head.number > start or (head.number == start and head.base):
                by_number.setdefault(head.number, []).append(head)
        chosen, wanted, expected = list[Head](), ..., None
        for number in sorted(by_number, reverse=True):
            if expected is not None and number != expected:
                troubles.append(self._missing(number + 1, expected))
                wanted = ...
            fitting = [head for head in by_number[number] if wanted in (..., head.link)]
            if not fitting:
                troubles.append(self._missing(number, number))
            chosen.append(max(fitting or by_number[number], key=lambda head: str(head.info.get("written_at"))))
            wanted, expected = chosen[-1].before, number - 1
        if start is None and (expected or wanted is not None):
            troubles.append(self._missing(1, expected) if expected else self._missing(1, 1))
        return chosen[::-1], troubles

    def _missing(self, first: int, last: int) -> str:
        which = f"snapshot {first}" if first == last else f"snapshots {first} to {last}"
        return f"{self.entity} {self.sub_service}: the journal of {which} is missing or damaged"

    def _all_heads(self) -> tuple[list[Head], list[str]]:
        heads, troubles = [], []
        for name in sorted(self.vault.names(self.prefix)):
            found = JOURNAL_NAME.fullmatch(name)
            if found is None or found[4]:
                continue
            try:
                plain, digest = self._object(name, 0)
                info = _parse_info(plain, name)
            except Damage as error:
                troubles.append(str(error))
                continue
            base = found[3] is not None
            link = str(info.get("link")) if base else digest
            heads.append(Head(int(found[1]), name, base, link, info.get("before"), info))
        return heads, troubles

    def _object(self, name: str, part: int) -> tuple[bytes, str]:
        """Return plaintext and SHA-256 of an object, from the first store that has it whole."""
        full = f"{self.prefix}{name}.{part:06d}" if part else self.prefix + name
        last = Damage(f"{full} is missing")
        for folder in self.vault.folders:
            path = folder / full
            if path.is_file():
                try:
                    raw = read_whole(path, MAX_JOURNAL)
                    return self._open(raw, full, name, part), hashlib.sha256(raw).hexdigest()
                except Damage as error:
                    last = error
        raise last

    def _open(self, raw: bytes, full: str, name: str, part: int) -> bytes:
        if len(raw) < JOURNAL.size + TAG + 1:
            raise Damage(f"journal {full} is cut short")
        magic, version, reserved, features, journal_id, said = JOURNAL.unpack_from(raw)
        if magic != b"EVKJRNL\0" or version != 1 or reserved or features:
            raise Damage(f"{full} is no journal of a version that this program knows")
        if journal_id.hex() != name[11:43] or said != part:
            raise Damage(f"under the name {full} lies another journal")
        cipher = self.vault.keys.cipher(b"everkeep journal", journal_id, version, features)
        bound = raw[: JOURNAL.size] + full.encode("ascii")
        try:
            payload = cipher.decrypt(struct.pack(">IQ", 0, part), raw[JOURNAL.size :], bound)
        except InvalidTag:
            raise Damage(f"journal {full} is damaged, or of another vault") from None
        if payload[:1] == b"\0":
            return payload[1:]
        size = zstandard.frame_content_size(payload[1:]) if payload[:1] == b"\1" else -1
        if not 0 <= size <= MAX_JOURNAL:
            raise Damage(f"journal {full} is packed in no way that this program knows")
        return inflate(payload[1:], size, zstandard.ZstdDecompressor())


def _parse_info(plain: bytes, name: str) -> dict[str, Any]:
    try:
        (length,) = struct.unpack_from(">I", plain)
        info = json.loads(plain[4 : 4 + length])
        segments = info["segments"]
        if isinstance(info["lines"], int) and all(isinstance(each, dict) for each in segments):
            for key in SAID:
                info[key] = info[key] if isinstance(info.get(key), dict) else {}
            for key in ("cursor", "folder_totals", "coverage"):  # large, and of no use here
                info["snapshot"].pop(key, None)
            return dict(info)
    except (ValueError, TypeError, LookupError, struct.error, RecursionError):
        pass
    raise Damage(f"the head of journal {name} does not parse")


def _parse_lines(plain: bytes, count: Any, name: str) -> Iterator[list[Any]]:
    if plain.count(b"\n") != count or (plain and not plain.endswith(b"\n")):
        raise Damage(f"journal {name} has another number of lines than it says")
    for text in plain[:-1].split(b"\n") if plain else []:
        try:
            line = json.loads(text)
            size = {"v": COLUMNS + 1, "e": 2, "i": 2, "s": 2}[line[0]]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise Damage(f"journal {name} has a line of a kind that this program does not know") from None
        kinds = {"v": VERSION_KINDS, "e": (str,)}.get(line[0], (dict,))
        if len(line) != size or not all(map(_is_a, line[1:], kinds)):
            raise Damage(f"journal {name} has a line that does not parse")
        yield line


TEXT = (str, type(None))
VERSION_KINDS = (str, TEXT, bool, str, str, str, str, TEXT, int, bool, str, str, str, int, (int, type(None)))


def _is_a(value: Any, kind: Any) -> bool:
    """Half a surrogate pair is no text: no file and no database takes it."""
    half = isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value)
    return isinstance(value, kind) and not half


# --- The vault ------------------------------------------------------------------------------------


class Vault:
    """One vault: its folder in each of the given stores, opened."""

    def __init__(self, stores: list[Path], name: str, keys: Keys) -> None:
        self.name, self.keys = name, keys
        self.folders = [store / name for store in stores if (store / name).is_dir()]

    def names(self, prefix: str) -> set[str]:
        """Return the names of the objects directly in a folder of the vault, in whichever store."""
        return {path.name for folder in self.folders for path in objects(folder / prefix)}

    def chains(self) -> Iterator[Chain]:
        """Yield the chains in order of entity and sub-service."""
        found = set()
        for folder in self.folders:
            for path in objects(folder / "journals"):
                entity, _, rest = path.relative_to(folder / "journals").as_posix().partition("/")
                sub_service, _, name = rest.partition("/")
                if VAULT_NAME.fullmatch(entity) and re.fullmatch("[a-z_]{1,20}", sub_service) and name:
                    found.add((entity, sub_service))
        for entity, sub_service in sorted(found):
            yield Chain(self, entity, sub_service)

    def blobs(self, report: Report) -> Blobs:
        """Index all packs; those that cannot be opened are reported."""
        found = Blobs(self.keys)
        for folder in self.folders:
            for path in objects(folder / "packs"):
                if VAULT_NAME.fullmatch(path.name):
                    try:
                        found.add(Pack(path, self.keys))
                    except Damage as error:
                        report.bad(str(error))
        return found


class Report:
    """Says what is wrong on standard error, and counts it."""

    def __init__(self) -> None:
        self.count = 0

    def bad(self, words: str) -> None:
        self.count += 1
        say(f"DAMAGED: {words}", sys.stderr)

    def end(self, words: str) -> int:
        say(words)
        if self.count:
            say(f"Damaged or missing: {several(self.count, 'thing')}, named above.", sys.stderr)
        return DAMAGED if self.count else WELL


def say(words: str, stream: Any = None) -> None:
    """Print a line; what a stranger put into a name must not steer the terminal."""
    safe = "".join(c if unicodedata.category(c)[0] != "C" else "\ufffd" for c in words)
    (stream or sys.stdout).write(safe.encode("utf-8", "replace").decode() + "\n")


def several(number: Any, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def find_keys(stores: list[Path], options: argparse.Namespace) -> Iterator[tuple[str, Keys]]:
    """Yield each vault that the given key opens. Raises CannotBegin when there is none."""
    names = [options.vault] if options.vault else vaults_in(stores)
    if options.vault_keys:
        if len(names) != 1:
            raise CannotBegin("There are several vaults here: say which with --vault. " + ", ".join(names))
        yield names[0], Keys(base64.b64decode(_secret(options.vault_keys), validate=False))
        return
    if options.master_key:
        secrets = master_secrets(_secret(options.master_key))
    else:
        text = _secret(options.recovery_key) if options.recovery_key else _asked()
        secrets = dict([recovery_secret(text)])
    troubles, opened = [], 0
    for name in names:
        keys = _open_one(stores, name, secrets, troubles)
        if keys is not None:
            opened += 1
            yield name, keys
    if not opened:
        raise CannotBegin(" ".join(troubles) or _no_key(stores, names, options))


def _open_one(stores: list[Path], name: str, secrets: dict[str, bytes], troubles: list[str]) -> Keys | None:
    for store in stores:
        for key_id in secrets:
            path = store / name / "keys" / key_id
            if not path.is_file():
                continue
            try:
                keys = open_envelope(read_whole(path, MAX_ENVELOPE), name, secrets)
            except Damage as error:
                troubles.append(f"{path}: {error}.")
                continue
            if keys is not None:
                return keys
    return None


def _no_key(stores: list[Path], names: list[str], options: argparse.Namespace) -> str:
    there = sorted({path.name for store in stores for name in names for path in objects(store / name / "keys")})
    if options.master_key:
        words = "No vault here was sealed under a master key of this file."
    else:
        words = (
            "No vault here is opened by this recovery key. It may belong to another account or store, or it was"
            " replaced by a newer one."
        )
    words += f" Envelopes found: {', '.join(there) or 'none'}."
    return " ".join([words, *filter(None, (_kms_words(store, name) for store in stores for name in names))])


def _kms_words(store: Path, vault: str) -> str:
    """Say how AWS opens an envelope that KMS has sealed."""
    for path in objects(store / vault / "keys"):
        raw = read_whole(path, MAX_ENVELOPE) if path.name.startswith("kms-") else b""
        if len(raw) > ENVELOPE.size + 2 and raw[:8] == b"EVKKEYS\0" and raw[15] == 1:
            begin = ENVELOPE.size + 2 + int.from_bytes(raw[40:42], "big")
            account = int.from_bytes(raw[32:40], "big")
            context = json.dumps({"everkeep:vault": vault, "everkeep:account": str(account)})
            return (
                f"AWS KMS has sealed the keys of vault {vault}. Who may use its key runs: aws kms decrypt"
                f" --ciphertext-blob {base64.b64encode(raw[begin:]).decode()} --encryption-context '{context}'"
                " --query Plaintext --output text > vault-keys, then gives --vault-keys vault-keys."
            )
    return ""


def _secret(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotBegin(f"{file} cannot be read: {type(error).__name__}.") from None


def _asked() -> str:
    if "EVERKEEP_RECOVERY_KEY" in os.environ:
        return os.environ["EVERKEEP_RECOVERY_KEY"]
    if not sys.stdin.isatty():
        raise CannotBegin("Give the key: --recovery-key FILE, or - for standard input.")
    return getpass.getpass("Recovery key (it is not shown): ")


# --- What to do -----------------------------------------------------------------------------------


def wanted_chains(vault: Vault, options: argparse.Namespace, report: Report) -> Iterator[Chain]:
    """Yield the chains that the options name; what is wrong with them is reported."""
    seen, found = list[str](), False
    for chain in vault.chains():
        entity = chain.info["entity"]
        words = [chain.entity, *(str(entity.get(key)) for key in ("public_id", "name", "address"))]
        seen.append(chain.words)
        named = not options.entity or options.entity.lower() in [word.lower() for word in words]
        if named and options.sub_service in (None, chain.sub_service):
            for trouble in chain.troubles:
                report.bad(trouble)
            found = True
            yield chain
    if not found and (options.entity or options.sub_service):
        raise CannotBegin(f"No such entity or sub-service. There is: {'; '.join(seen) or 'nothing'}.")


def chosen_snapshot(chain: Chain, options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the snapshot of the wanted day (the last one up to its end, UTC), or the newest."""
    snapshots = chain.snapshots()
    if options.snapshot:
        snapshots = [each for each in snapshots if each["number"] == options.snapshot]
    if options.day:
        snapshots = [each for each in snapshots if utc_day(each.get("taken_at")) <= options.day]
    return max(snapshots, key=lambda each: each["number"], default=None)


def utc_day(text: Any) -> str:
    """ "2026-11-20T23:30:00-05:00" → "2026-11-21"."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        return (moment if moment.tzinfo is None else moment.astimezone(timezone.utc)).date().isoformat()
    except ValueError:
        return "9999-99-99"


def do_list(vault: Vault, options: argparse.Namespace, report: Report) -> str:
    chains = 0
    for chain in wanted_chains(vault, options, report):
        chains += 1
        say(f"{chain.words}  ({uuid.UUID(hex=chain.entity)})")
        for each in [] if options.items else chain.snapshots():
            say(
                f"  snapshot {each['number']}  {each.get('taken_at')}  {each.get('verdict')}"
                f"  {several(each.get('items'), 'item')}, {each.get('size')} bytes"
            )
        snapshot = chosen_snapshot(chain, options) if options.items else None
        if snapshot:
            tree = Tree(chain, snapshot["number"], report)
            for version in tree.items():
                say(f"  {'/'.join([*tree.path(version), version.name])}  {version.time or ''}  {version.size}")
    return f"{several(chains, 'chain')} of snapshots."


def do_verify(vault: Vault, options: argparse.Namespace, report: Report) -> str:
    blobs = vault.blobs(report)
    checked = 0
    for number, pack in enumerate(blobs.packs):
        for blob, place in [] if options.quick else blobs.places(number):
            try:
                blobs.read_copy(blob, place)
            except Damage as error:
                report.bad(str(error))
                blobs.forget(blob, place)
            checked += 1
        if options.progress:
            say(f"pack {number + 1} of {len(blobs.packs)}, {pack.path.name}", sys.stderr)
    chains = 0
    for chain in wanted_chains(vault, options, report):
        chains += 1
        _verify_chain(chain, blobs, report)
    seen = "indexes read" if options.quick else f"{several(checked, 'blob')} read"
    return f"{several(len(blobs.packs), 'pack')}, {seen}; {several(chains, 'chain')} of snapshots."


def _verify_chain(chain: Chain, blobs: Blobs, report: Report) -> None:
    """Every version of every snapshot must have its blobs, and the newest snapshot must be complete."""
    folders: dict[str, str] = {}

    def keep(version: Version) -> None:
        if version.is_folder:
            folders[version.remote_id] = version.name
            return
        try:
            parts = parse_content(base64.b64decode(version.content, validate=True))
            lost = sum(not blobs.has(blob) for part in parts for blob in part.blobs)
        except (Damage, ValueError) as error:
            lost, parts = 1, []
            report.bad(f"{chain.words}: “{version.name}”: {error}")
        if lost and parts:
            folder = folders.get(str(version.parent_id), "?")
            which = f"“{version.name}” in “{folder}”, since snapshot {version.first}"
            report.bad(f"{chain.words}: {which}, is lost: {several(lost, 'blob')} missing")

    for head in chain.heads:
        try:
            for line in chain.lines(head):
                if line[0] == "v":
                    keep(Version(*line[1:]))
        except Damage as error:
            report.bad(f"{chain.words}, snapshot {head.number}: {error}")
    for snapshot in chain.snapshots()[-1:]:
        items = sum(1 for _ in Tree(chain, snapshot["number"], Report()).items())
        if items != snapshot.get("items"):
            report.bad(
                f"{chain.words}: snapshot {snapshot['number']} should have {snapshot.get('items')} items, the"
                f" journals give {items}"
            )


class Tree:
    """The nodes of one snapshot, in a temporary SQLite file."""

    def __init__(self, chain: Chain, number: int, report: Report) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("CREATE TABLE node (remote_id TEXT PRIMARY KEY, parent TEXT, folder INT, line TEXT)")
        self._rows.execute("BEGIN")
        for trouble in chain.state(number, self._keep, self._drop):
            report.bad(trouble)
        self._paths: dict[str, list[str]] = {}

    def items(self) -> Iterator[Version]:
        for (line,) in self._rows.execute("SELECT line FROM node WHERE NOT folder ORDER BY parent, rowid"):
            yield Version(*json.loads(line))

    def path(self, version: Version) -> list[str]:
        """Return the names of the folders above a node, outermost first; not the root. Circles are cut."""
        parent = version.parent_id
        if parent in self._paths:
            return self._paths[parent]
        names, seen = list[str](), set()
        at = parent
        while at is not None and at not in seen and len(seen) < 100:
            seen.add(at)
            row = self._rows.execute("SELECT line FROM node WHERE remote_id = ?", (at,)).fetchone()
            folder = Version(*json.loads(row[0])) if row else None
            if folder is None or folder.well_known == "msgfolderroot":
                break
            names.insert(0, folder.name)
            at = folder.parent_id
        self._paths[str(parent)] = names
        return names

    def _keep(self, version: Version) -> None:
        self._rows.execute(
            "INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?)",
            (version.remote_id, version.parent_id, bool(version.is_folder), json.dumps(version)),
        )

    def _drop(self, remote_id: str) -> None:
        self._rows.execute("DELETE FROM node WHERE remote_id = ?", (remote_id,))


def do_export(vault: Vault, options: argparse.Namespace, report: Report) -> str:
    target = Path(options.to)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CannotBegin(f"{target} is there already and not an empty folder.")
    blobs = vault.blobs(report)
    done = failed = 0
    for chain in wanted_chains(vault, options, report):
        snapshot = chosen_snapshot(chain, options)
        if snapshot is None:
            say(f"{chain.words}: no snapshot of that day.")
            continue
        folder = unused(target / safe_name(str(chain.info["entity"].get("name") or chain.entity)))
        folder = target / folder.name / chain.sub_service
        folder.mkdir(parents=True)
        about = {key: chain.info.get(key) for key in ("account", "connection", "task", "entity", "sub_service")}
        (folder / "snapshot.json").write_text(to_json({**about, "snapshot": snapshot}), "utf-8")
        tree = Tree(chain, snapshot["number"], report)
        before = done
        for version in tree.items():
            where = folder.joinpath(*[safe_name(name) for name in tree.path(version)])
            try:
                export_item(version, where, blobs)
                done += 1
            except (Damage, OSError, ValueError) as error:
                failed += 1
                report.bad(f"{chain.words}: “{version.name}”: {error}")
        say(f"{chain.words}: {several(done - before, 'item')} of {snapshot.get('taken_at')} in {folder}")
        if done - before != snapshot.get("items") and not failed:
            report.bad(f"{chain.words}: the snapshot should have {several(snapshot.get('items'), 'item')}")
    return f"{several(done, 'item')} exported, {failed} could not be."


def export_item(version: Version, folder: Path, blobs: Blobs) -> None:
    """Write an item's parts and a .json beside them, or nothing of it."""
    parts = parse_content(base64.b64decode(version.content, validate=True))
    folder.mkdir(parents=True, exist_ok=True)
    written, said, files = list[Path](), list[dict[str, Any]](), list[str]()
    name = safe_name(version.name)
    try:
        for part in parts:
            path = unused(folder / file_name(name, part.role, len(said), files))
            written.append(path)
            with path.open("xb") as file:
                for piece in part_bytes(part, blobs):
                    file.write(piece)
            said.append({"role": part.role, "file": path.name, "size": part.size})
            if part.role == PROPS:
                files = attachment_names(path)
            stamp(path, version.time)
        about = version._asdict()
        del about["content"]
        with contextlib.suppress(ValueError):
            about["props"] = json.loads(version.props)
        first = written[0].name if written and parts[0].role != PROPS else name
        path = unused(folder / f"{first[:150]}.json")
        written.append(path)
        path.write_text(to_json({**about, "parts": said}), "utf-8")
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def file_name(name: str, role: int, number: int, files: list[str]) -> str:
    """Name a part; `files` are the names that a document gives to its attachments, which follow it."""
    if role == MIME:
        return f"{name}.eml"
    if role == FILE:
        return name
    if role == PROPS:
        return f"{name}.document.json"
    named = files[number - 1] if 0 < number <= len(files) else ""
    return f"{name}.attachment-{number}{'-' if named else ''}{named}"


def attachment_names(document: Path) -> list[str]:
    """Return what a document calls its attachments, by number; [] when it makes no sense."""
    try:
        entries = json.loads(document.read_bytes())["attachments"]
        named = {entry["part"]: str(entry.get("name") or "") for entry in entries if "part" in entry}
        return [safe_name(named[number]) if named.get(number) else "" for number in range(len(named))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
        return []


def safe_name(text: str) -> str:
    """Return a stranger's words as a name that every system takes and that leads nowhere else."""
    text = unicodedata.normalize("NFC", text)
    unseen = {c for c in text if unicodedata.category(c)[0] in "CZ"} - {" "}
    text = "".join("_" if c in unseen or c in '<>:"/\\|?*' else c for c in text).strip(". ")
    while len(text.encode("utf-8", "replace")) > 120:
        text = text[:-1].rstrip(". ")
    reserved = re.match(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³]) *(\.|$)", text, re.IGNORECASE)
    return ("_" + text if reserved else text) or "without a name"


def unused(path: Path) -> Path:
    """Return the path, with a number when something is there already."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return found


def stamp(path: Path, time: Any) -> None:
    """Give a file the time of its item, when it has one that a file can have."""
    with contextlib.suppress(ValueError, OSError, OverflowError, TypeError):
        moment = datetime.fromisoformat(str(time).replace("Z", "+00:00")).timestamp()
        os.utime(path, (moment, moment))


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, indent=1)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Read Everkeep backups without Everkeep.")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, words in (
        ("list", "which mailboxes and days there are"),
        ("verify", "read everything and name what is damaged"),
        ("export", "write a day of a mailbox into a folder"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("stores", nargs="+", type=Path, help="folder of a store, or a bucket's copy")
        key = action.add_mutually_exclusive_group()
        key.add_argument("--recovery-key", metavar="FILE", help="file with the recovery key, - for stdin")
        key.add_argument("--master-key", metavar="FILE", help="file with master keys, id:base64 one a line")
        key.add_argument("--vault-keys", metavar="FILE", help="base64 of the vault's 64 key bytes (from KMS)")
        action.add_argument("--vault", help="name of the vault, where a master key opens several")
        action.add_argument("--entity", help="name, address or id of one mailbox")
        action.add_argument("--sub-service", help="such as mail")
        if name != "verify":
            action.add_argument("--day", help="the last snapshot up to this day, YYYY-MM-DD in UTC")
            action.add_argument("--snapshot", type=int, help="number of a snapshot")
    actions.choices["list"].add_argument("--items", action="store_true", help="every item of that day")
    actions.choices["verify"].add_argument("--quick", action="store_true", help="indexes and journals only")
    actions.choices["verify"].add_argument("--progress", action="store_true", help="say which pack is read")
    actions.choices["export"].add_argument("--to", required=True, help="folder to write to, new or empty")
    return parser


def main() -> int:
    options = arguments().parse_args()
    if getattr(options, "day", None) and not re.fullmatch(r"\d{4}-\d\d-\d\d", options.day):
        say("--day wants YYYY-MM-DD.", sys.stderr)
        return CANNOT
    report = Report()
    try:
        found = list(find_keys(options.stores, options))
        if len(found) > 1 and options.action == "export":
            names = ", ".join(name for name, _ in found)
            raise CannotBegin(f"This key opens several vaults: say which with --vault. {names}")
        act = {"list": do_list, "verify": do_verify, "export": do_export}[options.action]
        words = []
        for name, keys in found:
            say(f"Vault {name}")
            words.append(act(Vault(options.stores, name, keys), options, report))
        return report.end(" ".join(words))
    except (CannotBegin, Damage) as error:
        say(str(error), sys.stderr)
        return CANNOT


if __name__ == "__main__":
    sys.exit(main())
