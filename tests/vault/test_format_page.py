"""docs/vault-format.md is true: its example is re-created, and read back by what the page alone says."""

import base64
import json
import re
import struct
import uuid
from pathlib import Path

import pytest
import zstandard
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.core.sealing import Keyring
from apps.vault.store import chunking, codec, journal, mime, pack, recipe, training, writer
from apps.vault.store import keys as keys_module
from apps.vault.store.backends import s3
from apps.vault.store.content import ContentPart, Role, encode_content
from apps.vault.store.dictionary import Dictionary, number_of
from apps.vault.store.journal_lines import EndLine, encode_line
from apps.vault.store.keys import VaultKeys, unwrap_keys, wrap_keys
from apps.vault.store.recipe import Hole, Recipe

PAGE = (Path(__file__).resolve().parents[2] / "docs/vault-format.md").read_text()
PLAINTEXTS = [b"hello, vault\n", b"Everkeep"]
VAULT = uuid.UUID(int=1)
# The second example.
WORDS = b"Subject: \nContent-Transfer-Encoding: base64\n\n"
SKELETON = b"Subject: greetings\nContent-Transfer-Encoding: base64\n\n\n"
MESSAGE = b"Subject: greetings\nContent-Transfer-Encoding: base64\n\naGVsbG8s\nIHZhdWx0\nCg==\n"


def example(name: str) -> bytes:
    """Return the bytes of a dump on the page (offset, two blanks, hexadecimal)."""
    found = re.search(rf"```{name}\n(.*?)```", PAGE, re.S)
    assert found, f"the page has no example {name}"
    return bytes.fromhex("".join(line.partition("  ")[2] for line in found.group(1).splitlines()))


def dump(data: bytes) -> str:
    return "\n".join(f"{at:04x}  {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16))


def written_pack(keys: VaultKeys) -> bytes:
    builder = pack.PackBuilder(keys, bytes(range(16)))
    for plaintext in PLAINTEXTS:
        builder.add(keys.blob_id(plaintext), codec.Codec.RAW, plaintext, len(plaintext))
    return bytes(builder.seal().data)


def written_envelope(keys: VaultKeys, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr("apps.core.sealing.os.urandom", lambda count: bytes(range(count)))
    return wrap_keys(keys, ring=Keyring({"m1": b"m" * 32}), vault_id=VAULT, account_id=7)


def written_content(keys: VaultKeys) -> bytes:
    first = ContentPart(Role.MIME, len(PLAINTEXTS[0]), (keys.blob_id(PLAINTEXTS[0]),))
    return encode_content([first, ContentPart(Role.PROPS, 0, ())])


def small_vault(keys: VaultKeys) -> tuple[bytes, bytes]:
    """The second example: a dictionary, a message that uses it, and its attachment; its content list.

    How zstd compresses may change from release to release: the frame is taken from the page.
    """
    dictionary = Dictionary(Role.MIME, WORDS).plaintext()
    number = number_of(keys.blob_id(dictionary))
    packed = number + example("frame")
    builder = pack.PackBuilder(keys, bytes(range(16, 32)))
    builder.add(keys.blob_id(dictionary), codec.Codec.RAW, dictionary, len(dictionary), pack.Kind.DICTIONARY)
    builder.add(keys.blob_id(SKELETON), codec.Codec.ZSTD_DICTIONARY, packed, len(SKELETON))
    builder.add(keys.blob_id(PLAINTEXTS[0]), codec.Codec.RAW, PLAINTEXTS[0], len(PLAINTEXTS[0]))
    hole = Hole(len(SKELETON) - 1, len(PLAINTEXTS[0]), 8, b"\n", 1)
    ids = keys.blob_id(SKELETON), keys.blob_id(PLAINTEXTS[0])
    part = ContentPart(Role.MIME, len(MESSAGE), ids, Recipe(len(SKELETON), 1, (hole,)))
    return bytes(builder.seal().data), encode_content([part])


def written_journal(keys: VaultKeys) -> bytes:
    name = journal.JournalName(journal.Chain(uuid.UUID(int=2), "mail"), 1, bytes(range(16)))
    info = b'{"before":null,"segments":[],"lines":1}'
    plain = struct.pack(">I", len(info)) + info + encode_line(EndLine("AAMk"))
    return journal.seal(keys, name, 0, plain, compress=False)


def test_the_example_is_what_the_code_writes(keys: VaultKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    assert example("pack") == written_pack(keys)
    assert example("envelope") == written_envelope(keys, monkeypatch)
    assert example("content") == written_content(keys)
    assert example("journal") == written_journal(keys)
    assert (example("dictionary"), example("recipe")) == small_vault(keys)
    assert example("ids") == b"".join(map(keys.blob_id, PLAINTEXTS))


def test_the_example_pack_is_read_by_the_page_alone() -> None:
    """No code of ours: what a stranger would write after reading the page."""
    data, data_key, id_key = example("pack"), bytes(range(32)), bytes(range(32, 64))
    header, trailer = data[:32], data[-24:]
    assert header[:16] == b"EVKPACK\0" + struct.pack(">HHI", 2, 0, 0)
    start, length, count, end = struct.unpack(">QII8s", trailer)
    assert end == b"EVKPEND\0" and start + length + 24 == len(data)
    info = b"everkeep pack" + struct.pack(">HI", 2, 0)
    cipher = AESGCM(HKDF(SHA256(), 32, header[16:], info).derive(data_key))
    index = cipher.decrypt(struct.pack(">IQ", 1, start), data[start : start + length], header + trailer)
    at, found = 32, []
    for number in range(count):
        blob_id, kind, how, stored, raw = struct.unpack_from(">32sBBII", index, number * 42)
        bound = blob_id + struct.pack(">BBI", kind, how, raw)
        found.append(cipher.decrypt(struct.pack(">IQ", 0, at), data[at : at + stored], bound))
        assert (kind, how, raw) == (1, 0, len(found[-1]))
        assert blake3(found[-1], key=id_key).digest() == blob_id
        at += stored
    assert at == start
    assert found == PLAINTEXTS


def opened_by_the_page(data: bytes, data_key: bytes) -> list[tuple[bytes, int, int, bytes]]:
    """Return id, kind, codec and bytes of each blob of a pack."""
    start, length, count, _ = struct.unpack(">QII8s", data[-24:])
    info = b"everkeep pack" + data[8:10] + data[12:16]
    cipher = AESGCM(HKDF(SHA256(), 32, data[16:32], info).derive(data_key))
    nonce = struct.pack(">IQ", 1, start)
    index = cipher.decrypt(nonce, data[start : start + length], data[:32] + data[-24:])
    at, found = 32, []
    for number in range(count):
        blob_id, kind, how, stored, raw = struct.unpack_from(">32sBBII", index, number * 42)
        bound = blob_id + struct.pack(">BBI", kind, how, raw)
        blob = cipher.decrypt(struct.pack(">IQ", 0, at), data[at : at + stored], bound)
        found.append((blob_id, kind, how, blob))
        at += stored
    return found


def test_the_example_with_a_dictionary_and_a_recipe_is_read_by_the_page_alone() -> None:
    found = opened_by_the_page(example("dictionary"), bytes(range(32)))
    assert [(kind, how) for _, kind, how, _ in found] == [(2, 0), (1, 2), (1, 0)]
    (number, _, _, trained), (skeleton_id, _, _, packed), (body_id, _, _, body) = found
    assert trained[:6] == b"\x01\x01" + bytes(4) and packed[:4] == number[:4]
    zstd = zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(trained[6:]))
    skeleton = zstd.decompress(packed[4:])
    assert blake3(skeleton, key=bytes(range(32, 64))).digest() == skeleton_id
    listed = example("recipe")
    assert listed[:5] == bytes((2, 1, 1, len(MESSAGE), 2))
    assert (listed[5:37], listed[37:69]) == (skeleton_id, body_id)
    holes, size, blobs, skip, decoded, line, ending, own = listed[69:]
    assert (holes, size, blobs, decoded, ending, own) == (1, len(skeleton), 1, len(body), 1, 1)
    text = base64.b64encode(body)
    folded = b"\n".join(text[at : at + line] for at in range(0, len(text), line))
    assert skeleton[:skip] + folded + skeleton[skip:] == MESSAGE


def test_the_example_envelope_is_opened_by_the_page_alone() -> None:
    data, account = example("envelope"), (7).to_bytes(8, "big")
    assert data[:40] == b"EVKKEYS\0" + struct.pack(">HHI", 1, 0, 0) + VAULT.bytes + account
    length = data[41]
    assert (data[40], data[42 : 42 + length]) == (1, b"m1")
    salt, sealed = data[42 + length : 74 + length], data[74 + length :]
    derived = HKDF(SHA256(), 44, salt, b"everkeep seal v1").derive(b"m" * 32)
    bound = data[40 : 74 + length] + account + b"vault.keys:" + data[:40].hex().encode()
    assert AESGCM(derived[:32]).decrypt(derived[32:], sealed, bound) == bytes(range(64))


def test_the_example_journal_is_read_by_the_page_alone() -> None:
    data, data_key = example("journal"), bytes(range(32))
    assert data[:16] == b"EVKJRNL\0" + struct.pack(">HHI", 1, 0, 0)
    journal_id, part = struct.unpack(">16sI", data[16:36])
    info = b"everkeep journal" + struct.pack(">HI", 1, 0)
    cipher = AESGCM(HKDF(SHA256(), 32, journal_id, info).derive(data_key))
    name = f"journals/{uuid.UUID(int=2).hex}/mail/0000000001-{journal_id.hex()}"
    plain = cipher.decrypt(struct.pack(">IQ", 0, part), data[36:], data[:36] + name.encode())
    codec_byte, length = plain[0], int.from_bytes(plain[1:5], "big")
    head, lines = json.loads(plain[5 : 5 + length]), plain[5 + length :].splitlines()
    assert (codec_byte, part, head["before"], head["lines"]) == (0, 0, None, len(lines))
    assert [json.loads(line) for line in lines] == [["e", "AAMk"]]


def test_our_own_code_opens_the_example_envelope(keys: VaultKeys) -> None:
    ring = Keyring({"m1": b"m" * 32})
    assert unwrap_keys(example("envelope"), ring=ring, vault_id=VAULT, account_id=7) == keys


@pytest.mark.parametrize(
    "text",
    [
        f"| `TARGET_PACK_BYTES` | {pack.TARGET_PACK_BYTES} |",
        f"| `MAX_PACK_BYTES` | {pack.MAX_PACK_BYTES} |",
        f"| `MAX_BLOB_BYTES` | {codec.MAX_BLOB_BYTES} |",
        f"`MAX_SKELETON_BYTES` | {recipe.MAX_SKELETON_BYTES} |",
        f"`OWN_BLOB_FROM` = {mime.OWN_BLOB_FROM} bytes",
        f"`SHORTEST_HOLE` = {mime.SHORTEST_HOLE}",
        f"`KNOWN_LIMIT` = {writer.KNOWN_LIMIT} ids",
        f"`SAMPLE_BYTES` = {training.SAMPLE_BYTES}",
        f"`LEAST_SAMPLES` = {training.LEAST_SAMPLES}",
        f"`LARGEST_DICTIONARY` = {training.LARGEST_DICTIONARY}",
        f"`WHOLE_UP_TO` = {chunking.WHOLE_UP_TO} bytes",
        f"average {chunking.AVERAGE_CHUNK}, least {chunking.MIN_CHUNK}, most {chunking.MAX_CHUNK}",
        f"`MULTIPART_FROM` = {s3.MULTIPART_FROM} bytes",
        f"`PART_BYTES` = {s3.PART_BYTES}",
        f"`MAX_PLAIN_BYTES` = {journal.MAX_PLAIN_BYTES}",
        f"`SEGMENT_BYTES` = {journal.SEGMENT_BYTES}",
        f"version, {pack.CURRENT_FORMAT.version}",
        f"version, {keys_module.ENVELOPE_VERSION}",
    ],
)
def test_the_numbers_on_the_page_are_those_of_the_code(text: str) -> None:
    assert text in PAGE
