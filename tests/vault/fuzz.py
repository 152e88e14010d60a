"""Hostile objects for every parser of the vault: `python -m tests.vault.fuzz PARSER SEED TRIES`.

Runs in a process of its own whose memory is capped shortly above what it needs to start. Each try takes a good
object, damages it at random (flips, cuts, repeats, exchanges, numbers made huge) and has the parser read it.
What is authenticated is attacked twice: from outside, and with our own keys, so that the code behind the seal
meets it too. Any answer but a result or an error of the vault ends the process with its trace.
"""

import json
import random
import resource
import struct
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import zstandard

from apps.core.sealing import Keyring, MasterKeyMissing
from apps.vault.store.backends.base import ObjectInfo
from apps.vault.store.codec import Codec, Compressor, Decompressor
from apps.vault.store.content import ContentPart, Role, decode_content, encode_content
from apps.vault.store.dictionary import Dictionary, parse_dictionary
from apps.vault.store.errors import ObjectMissing, ObjectTruncated, VaultError
from apps.vault.store.index import MemoryIndex
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.journal import Chain, JournalName, JournalWriter, list_journals, open_journal, seal
from apps.vault.store.journal_lines import EndLine, IssueLine, decode_line
from apps.vault.store.keys import VaultKeys, envelope_header, envelope_key_id, unwrap_keys, wrap_keys
from apps.vault.store.marker import MARKER_KEY, ensure_marker, read_marker
from apps.vault.store.pack import HEADER, TRAILER, PackBuilder, pack_key, parse_header, parse_trailer
from apps.vault.store.reader import VaultReader
from apps.vault.store.recipe import Hole, Recipe, rebuild
from apps.vault.store.recovery_key import RecoveryKey

HEADROOM = 96 * 1024 * 1024
KEYS = VaultKeys(bytes(range(32)), bytes(range(32, 64)))
RING = Keyring({"m1": b"m" * 32})
VAULT = uuid.UUID(int=7)
BOMB = zstandard.ZstdCompressor(level=1).compress(bytes(256 * 1024 * 1024))
GOLDEN = Path(__file__).parent / "golden"
Try = Callable[[random.Random], None]


class Shelf:
    """A store in memory, whose objects anybody may put as they like."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.objects.setdefault(key, bytes(data))
        return True

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        found = self.get(key)[offset : offset + length]
        if len(found) != length:
            raise ObjectTruncated(key)
        return found

    def size(self, key: str) -> int | None:
        return len(self.objects[key]) if key in self.objects else None

    def list(self, prefix: str):  # type: ignore[no-untyped-def]
        return iter(sorted((ObjectInfo(k, len(v)) for k, v in self.objects.items()), key=lambda each: each.key))


def damaged(data: bytes, source: random.Random) -> bytes:
    """Return `data` with one to four damages."""
    out = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(out) + 1)
        match source.randrange(8):
            case 0 if out:
                out[at % len(out)] ^= 1 << source.randrange(8)
            case 1:
                del out[at:]
            case 2:
                out[at:at] = source.randbytes(source.randint(1, 40))
            case 3:
                end = min(len(out), at + source.randint(1, 64))
                out[at:at] = out[at:end] * source.randint(1, 5)
            case 4:
                size = source.choice((1, 2, 4, 8, 9))
                out[at : at + size] = source.choice((b"\xff", b"\x7f", b"\x80", b"\x00")) * size
            case 5:
                del out[at : at + source.randint(1, 16)]
            case 6:
                out[at : at + 9] = b"\xff" * 8 + b"\x7f"  # the greatest number there is
            case _:
                other = source.randrange(len(out) + 1)
                out[at : at + 8], out[other : other + 8] = out[other : other + 8], out[at : at + 8]
    return bytes(out)


def _a_pack() -> tuple[bytes, bytes]:
    builder = PackBuilder(KEYS, bytes(range(16)))
    for number in range(6):
        data = random.Random(number).randbytes(200)
        builder.add(KEYS.blob_id(data), Codec.RAW, data, len(data))
    sealed = builder.seal()
    return sealed.pack_id, bytes(sealed.data)


def pack(source: random.Random) -> None:
    """A pack in the store, damaged by who has no key."""
    pack_id, data = _a_pack()
    bad = damaged(data, source)
    for parse in (lambda: parse_header(bad), lambda: parse_trailer(bad[-TRAILER.size :], len(bad))):
        _harmless(parse)
    _harmless(lambda: read_pack_index(Shelf({pack_key(pack_id): bad}), KEYS, pack_id))  # type: ignore[arg-type]


def pack_index(source: random.Random) -> None:
    """A pack whose index was sealed with our keys, but says what is not so."""
    pack_id, data = _a_pack()
    offset, length, blobs, magic = TRAILER.unpack(data[-TRAILER.size :])
    header = data[: HEADER.size]
    _, version, _, features, _ = HEADER.unpack(header)
    cipher, nonce = KEYS.pack_cipher(pack_id, version, features), struct.Struct(">IQ")
    entries = cipher.decrypt(
        nonce.pack(1, offset), data[offset : offset + length], header + data[-TRAILER.size :]
    )
    bad = damaged(entries, source)
    trailer = TRAILER.pack(
        offset, len(bad) + 16, source.choice((blobs, len(bad) // 42, source.getrandbits(32))), magic
    )
    whole = data[:offset] + cipher.encrypt(nonce.pack(1, offset), bad, header + trailer) + trailer
    store = Shelf({pack_key(pack_id): whole})

    def read() -> None:
        index = MemoryIndex()
        index.places.update(read_pack_index(store, KEYS, pack_id))  # type: ignore[arg-type]
        reader = VaultReader(KEYS, store, index)  # type: ignore[arg-type]
        for blob_id, place in index.places.items():
            _harmless(lambda blob_id=blob_id, place=place: reader.load({blob_id: place}))  # type: ignore[misc]

    _harmless(read)


def blob(source: random.Random) -> None:
    """A blob sealed with our keys that is no frame or another one: bombs, wrong lengths and dictionaries."""
    dictionary = Dictionary(Role.MIME, b"the quick brown fox jumps over the lazy dog" * 20)
    number = KEYS.blob_id(dictionary.plaintext())[:4]
    packed = Compressor(dictionary.data, number).pack(b"the quick brown fox" * 50)[1]
    codec = source.choice((0, 1, 2, 2, 3, 255))
    bad = source.choice((damaged(bytes(packed), source), _bomb(source), number + _bomb(source)))
    raw = source.choice((len(bad), 950, 0, source.getrandbits(31)))
    unpack = Decompressor(lambda asked: dictionary.data).unpack
    _harmless(lambda: unpack(codec, bad, raw))


def _bomb(source: random.Random) -> bytes:
    """Return a frame that announces, or makes, far more than it is long."""
    return damaged(BOMB, source) if source.random() < 0.7 else BOMB


def content(source: random.Random) -> None:
    """A content list of a catalog row or a journal, with and without a recipe; what it parses to is rebuilt."""
    ids = tuple(bytes([n]) * 32 for n in range(3))
    hole = Hole(skip=4, size=90, line=76, ending=b"\r\n", blobs=1)
    recipe = Recipe(10, 1, (hole,))
    size = 10 + hole.encoded_size
    good = source.choice(
        (
            encode_content([ContentPart(Role.MIME, size, ids[:2], recipe), ContentPart(Role.PROPS, 0, ())]),
            encode_content([ContentPart(Role.FILE, 300_000, ids), ContentPart(Role.ATTACHMENT, 5, ids[:1])]),
        )
    )

    def read() -> None:
        for part in decode_content(damaged(good, source)):
            if part.recipe:
                made = 0
                for piece in rebuild(part.recipe, (b"x" * source.choice((1, 10, 90)) for _ in part.blobs)):
                    made += len(piece)
                assert made <= part.size + 200_000

    _harmless(read)


def dictionary(source: random.Random) -> None:
    good = Dictionary(Role.MIME, b"what all mails have in common " * 30).plaintext()

    def read() -> None:
        found = parse_dictionary(damaged(good, source))
        compressor = Compressor(found.data, b"abcd")
        packed = compressor.pack(b"in common " * 9)[1]
        Decompressor(lambda number: found.data).unpack(Codec.ZSTD_DICTIONARY, bytes(packed), 90)

    _harmless(read)


def envelope(source: random.Random) -> None:
    bad = damaged(wrap_keys(KEYS, ring=RING, vault_id=VAULT, account_id=3), source)
    _harmless(lambda: envelope_header(bad))
    _harmless(lambda: envelope_key_id(bad))
    _harmless(lambda: unwrap_keys(bad, ring=RING, vault_id=VAULT, account_id=3))


def marker(source: random.Random) -> None:
    store = Shelf()
    ensure_marker(store)  # type: ignore[arg-type]
    nested = source.choice((b"[" * 900, b'{"format":1,"store":' * 40, b'{"format": 1' + b"9" * 900))
    store.objects[MARKER_KEY] = source.choice(
        (damaged(store.objects[MARKER_KEY], source), nested, b"\xff" * 2000)
    )
    _harmless(lambda: read_marker(store))  # type: ignore[arg-type]


def _a_journal() -> tuple[Shelf, JournalName]:
    store = Shelf()
    writer = JournalWriter(KEYS, store, Chain(VAULT, "mail"), 3, segment_bytes=200)  # type: ignore[arg-type]
    for number in range(12):
        writer.add(EndLine(f"item {number}"))
    writer.add(IssueLine({"what": "too large"}))
    return store, writer.finish({"entity": "x", "before": None}).name


def journal(source: random.Random) -> None:
    """Journals damaged by who has no key: heads and segments, cut, exchanged, under other names."""
    store, name = _a_journal()
    key = source.choice(sorted(store.objects))
    if source.random() < 0.3:
        store.objects[key] = store.objects[source.choice(sorted(store.objects))]
    else:
        store.objects[key] = damaged(store.objects[key], source)
    store.objects[damaged(f"{key}0".encode(), source).decode("latin-1")] = b"?"

    def read() -> None:
        for _ in list_journals(store):  # type: ignore[arg-type]
            pass
        for _ in open_journal(store, KEYS, name).lines(store, KEYS):  # type: ignore[arg-type]
            pass

    _harmless(read)


def journal_text(source: random.Random) -> None:
    """Journals that were sealed with our keys, but whose text is none."""
    name = JournalName(Chain(VAULT, "mail"), 3, bytes(16))
    info = json.dumps({"segments": [], "lines": 2, "snapshot": {}}).encode()
    version = b'["v","r",null,false,"","n","","","2026-01-01T00:00:00+00:00",1,false,"e","AQA=","{}",1,null]\n'
    lines = b'["e","a"]\n' + version
    plain = struct.pack(">I", len(info)) + info + lines
    bad = source.choice(
        (
            damaged(plain, source),
            struct.pack(">I", 60_000) + b"[" * 60_000,
            plain[:4] + damaged(plain[4:], source),
        )
    )
    store = Shelf({name.key(): seal(KEYS, name, 0, bad)})

    def read() -> None:
        for _ in open_journal(store, KEYS, name).lines(store, KEYS):  # type: ignore[arg-type]
            pass

    _harmless(read)
    for line in damaged(lines, source).splitlines():
        _harmless(lambda line=line: decode_line(line))  # type: ignore[misc]


def recovery_key(source: random.Random) -> None:
    text = damaged(RecoveryKey(bytes(20)).text.encode(), source).decode("latin-1")
    _harmless(lambda: RecoveryKey.parse(text))


def golden(source: random.Random) -> None:
    """One object of an old vault damaged: the whole vault is read by its store and master key alone."""
    folder = source.choice(sorted(GOLDEN.iterdir()))
    expected = json.loads((folder / "expected.json").read_text())
    vault, ring = (
        uuid.UUID(expected["vault"]),
        Keyring({expected["master_key_id"]: bytes.fromhex(expected["master_key"])}),
    )
    root = folder / "store" / vault.hex
    objects = {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
    key = source.choice(sorted(objects))
    objects[key] = damaged(objects[key], source)
    store = Shelf(objects)

    def read() -> None:
        sealed = store.get(f"keys/{expected['master_key_id']}")
        keys = unwrap_keys(sealed, ring=ring, vault_id=vault, account_id=expected["account"])
        index = MemoryIndex()
        for pack_id, _ in list_packs(store):  # type: ignore[arg-type]
            _harmless(lambda pack_id=pack_id: index.places.update(read_pack_index(store, keys, pack_id)))  # type: ignore[misc,arg-type]
        for item in expected["items"]:
            (part,) = decode_content(bytes.fromhex(item["content"]))
            _harmless(lambda part=part: VaultReader(keys, store, index).read(part))  # type: ignore[misc,arg-type]

    _harmless(read)


PARSERS: dict[str, Try] = {
    each.__name__: each
    for each in (
        pack, pack_index, blob, content, dictionary, envelope, marker, journal, journal_text, recovery_key,
        golden,
    )
}  # fmt: skip


def _harmless(read: Callable[[], object]) -> None:
    try:
        read()
    except (VaultError, MasterKeyMissing):
        return


def main(parser: str, seed: int, tries: int) -> None:
    """Try, with memory capped; says how far it came, so that a failure can be repeated."""
    PARSERS[parser](random.Random(0))  # loads what is loaded late
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + HEADROOM, used + HEADROOM))
    for number in range(tries):
        try:
            PARSERS[parser](random.Random(f"{seed}/{number}"))
        except BaseException:
            print(f"{parser}: try {number} of seed {seed}", file=sys.stderr)  # noqa: T201
            raise


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
