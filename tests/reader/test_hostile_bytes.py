"""Whatever a store holds, the reader answers with a named error: no crash, no code, no memory to speak of."""

import base64
import contextlib
import json
import random
import struct
import uuid
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.vault.store.content import ContentPart, Role, encode_content
from apps.vault.store.keys import EnvelopeHeader
from apps.vault.store.pack import ENTRY, HEADER, TRAILER, PackBuilder
from apps.vault.store.recipe import Hole, Recipe
from tests.reader.bare import BareReader
from tests.reader.module import reader as module
from tests.reader.test_formats import HandMade, plain, run
from tests.seeds import new_seed

SEED = new_seed()
CONTENT = encode_content(
    [
        ContentPart(
            Role.MIME, 306, (b"a" * 32, b"b" * 32), Recipe(36, 1, (Hole(10, 198, 76, b"\r\n", 1),))
        ),
        ContentPart(Role.PROPS, 5, (b"c" * 32,)),
    ]
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> HandMade:
    """A vault with one mail in one pack and one journal."""
    made = HandMade(tmp_path / "store")
    body = b"the body of a mail " * 9
    (blob,) = made.pack((1, 1, zstandard.compress(body), body))
    made.journal(1, made.item("mail", plain(body, blob), parent_id=None), items=1)
    return made


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_content_list_parses_or_is_damage(data: bytes) -> None:
    for candidate in (data, b"\x01" + data, b"\x02\x01\x01" + data):
        try:
            parts = module.parse_content(candidate)
        except module.Damage:
            continue
        assert sum(len(part.blobs) for part in parts) * 32 <= len(candidate)


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_a_changed_content_list_never_makes_more_than_it_says(position: int, change: int) -> None:
    data = bytearray(CONTENT)
    data[position] ^= change

    class Source:
        @staticmethod
        def read(blob: bytes) -> bytes:
            return blob * 7

    try:
        for part in module.parse_content(bytes(data)):
            made = 0
            for piece in module.part_bytes(part, Source()):
                made += len(piece)
                assert made <= part.size
    except module.Damage:
        pass


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_envelope_is_refused(data: bytes) -> None:
    whole = module.ENVELOPE.pack(b"EVKKEYS\0", 1, 0, 0, uuid.UUID(int=1).bytes, 7)
    for candidate in (data, whole + data, whole + b"\1" + data):
        with contextlib.suppress(module.Damage):
            assert module.open_envelope(candidate, uuid.UUID(int=1).hex, {"m1": b"m" * 32}) is None


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_recovery_key_or_one(text: str) -> None:
    try:
        assert module.recovery_secret(text)[0].startswith("recovery-")
    except module.CannotBegin as error:
        assert "recovery key" in str(error)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_name_becomes_one_that_stays_in_its_folder(text: str) -> None:
    name = module.safe_name(text)
    assert name and name not in (".", "..") and not set(name) & set('/\\:\0<>"|?*')
    assert len(name.encode("utf-8", "replace")) <= 121 and Path("folder", name).parent == Path("folder")


@pytest.mark.parametrize(
    "text", ["nul", "NUL .txt", "con", "conin$", "Conout$.txt", "COM¹", "lpt³.log", "com7.a"]
)
def test_no_name_is_one_that_windows_keeps_for_devices(text: str) -> None:
    assert module.safe_name(text) == "_" + text


def test_each_changed_byte_of_every_object_is_an_error_in_words(made: HandMade, reader: BareReader) -> None:
    """Every object, at places of every part of it: each time the reader ends calmly and says what is bad."""
    source = random.Random(SEED)
    for path in sorted(path for path in (made.root / uuid.UUID(int=1).hex).rglob("*") if path.is_file()):
        good = path.read_bytes()
        places = {0, 9, 13, len(good) - 1, len(good) // 2, *source.sample(range(len(good)), 3)}
        for position in sorted(places):
            data = bytearray(good)
            data[position] ^= 1 << source.randrange(8)
            path.write_bytes(data)
            said = run(reader, made, "verify")
            assert said.status in (1, 2) and said.err, f"seed {SEED}: {path.name} at {position}"
        path.write_bytes(good[: len(good) // 2])
        assert run(reader, made, "verify").status in (1, 2)
        path.write_bytes(good)
    assert run(reader, made, "verify").status == 0


def forged(made: HandMade, entries: bytes, blobs: int, body: bytes = b"") -> None:
    """Write a pack that authenticates with the right key and lies: only a parser that trusts it is harmed."""
    pack_id = random.Random(SEED).randbytes(16)
    header = HEADER.pack(b"EVKPACK\0", 2, 0, 0, pack_id)
    offset = HEADER.size + len(body)
    trailer = TRAILER.pack(offset, len(entries) + 16, blobs, b"EVKPEND\0")
    cipher = made.keys.pack_cipher(pack_id, 2, 0)
    index = cipher.encrypt(struct.pack(">IQ", 1, offset), entries, header + trailer)
    name = pack_id.hex()
    made.store.put_if_absent(f"packs/{name[:2]}/{name}", header + body + index + trailer)


@pytest.mark.parametrize("entry", [
    ENTRY.pack(b"x" * 32, 1, 0, 2**32 - 1, 2**32 - 1),
    ENTRY.pack(b"x" * 32, 1, 0, 17, 2**32 - 1),
    ENTRY.pack(b"x" * 32, 9, 0, 17, 1),
    ENTRY.pack(b"x" * 32, 2, 2, 17, 1),
    ENTRY.pack(b"x" * 32, 1, 77, 17, 1),
])  # fmt: skip
def test_a_pack_that_lies_about_its_blobs_costs_an_error(
    made: HandMade, reader: BareReader, entry: bytes
) -> None:
    forged(made, entry, 1, body=bytes(17))
    said = run(reader, made, "verify")
    assert said.status == 1 and "DAMAGED: " in said.err
    run(reader, made, "export", "--to", made.root.parent / "out")
    assert list((made.root.parent / "out").rglob("*.eml")), "the good pack is read all the same"


def test_a_bomb_in_a_blob_costs_an_error_and_no_memory(made: HandMade, reader: BareReader) -> None:
    """The reader runs with 300 MB: one that unpacked what a frame holds would end with MemoryError."""
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 30))
    builder = PackBuilder(made.keys)
    builder.add(b"1" * 32, 1, bomb, 1000)
    builder.add(b"2" * 32, 1, bomb, 2**32 - 1)
    sealed = builder.seal()
    name = sealed.pack_id.hex()
    made.store.put_if_absent(f"packs/{name[:2]}/{name}", bytes(sealed.data))
    said = run(reader, made, "verify")
    assert said.status == 1 and said.err.count("DAMAGED: ") == 2


@pytest.mark.parametrize("data", [b"", b"\x37\xa4\x30\xec" + bytes(300)])
def test_what_is_no_dictionary_costs_an_error(made: HandMade, reader: BareReader, data: bytes) -> None:
    dictionary = b"\x01\x01" + bytes(4) + data
    (blob,) = made.pack((2, 0, dictionary, dictionary))
    body = b"a mail that says that it needs it"
    (mail,) = made.pack((1, 2, blob[:4] + zstandard.compress(body), body))
    made.journal(2, made.item("b", plain(body, mail)), items=2)
    said = run(reader, made, "verify")
    assert said.status == 1 and "dictionary" in said.err


def test_a_bomb_of_a_journal_and_absurd_sizes_of_files_cost_an_error(
    made: HandMade, reader: BareReader
) -> None:
    from apps.vault.store import journal

    (good,) = (made.root / uuid.UUID(int=1).hex / "journals").glob("*/*/*")
    name, _ = journal.parse_name(good.relative_to(made.root / uuid.UUID(int=1).hex).as_posix()) or (None, 0)
    assert name is not None
    bomb = b"\1" + zstandard.ZstdCompressor(level=19).compress(bytes(1 << 29))
    header = journal.HEADER.pack(b"EVKJRNL\0", 1, 0, 0, name.journal_id, 0)
    cipher = made.keys.journal_cipher(name.journal_id, 1, 0)
    good.write_bytes(header + cipher.encrypt(struct.pack(">IQ", 0, 0), bomb, header + name.key().encode()))
    said = run(reader, made, "verify")
    assert said.status == 1 and "packed in no way" in said.err
    pack = next((made.root / uuid.UUID(int=1).hex / "packs").glob("*/*"))
    with pack.open("r+b") as file:
        file.truncate(1 << 40)
    said = run(reader, made, "verify")
    assert said.status == 1 and "cannot be" in said.err


LINES = [
    [], {}, "v", ["v"], ["x", 1], ["e", None], ["e", "\ud800"], ["i", 1],
    ["v", *["\ud800"] * 15], ["v", *[1] * 15],
    ["v", "id", ["list"], False, "", "n", "", "", None, 1, False, "", "", "{}", 1, None],
    ["v", "id", None, False, "", "n", "", "", None, 1, False, "", "%%%", "{}", 1, None],
    ["v", "id", "id", False, "", "n", "", "", {"a": 1}, 1, False, "", "AQA=", "{}", 1, None],
]  # fmt: skip
HEADS: list[dict[str, Any]] = [
    {}, {"segments": None, "lines": 0}, {"segments": [1], "lines": 0}, {"segments": [], "lines": "1"},
    {"segments": [], "lines": 0, "entity": [1], "snapshot": 7}, {"segments": [{}], "lines": 0, "before": {}},
    {"segments": [], "lines": 0, "snapshot": {"number": 2**70, "taken_at": 5}, "written_at": []},
]  # fmt: skip


@pytest.mark.parametrize("head, lines", [
    *[({"segments": [], "lines": 1}, json.dumps(line).encode() + b"\n") for line in LINES],
    *[(head, b"") for head in HEADS],
    ({"segments": [], "lines": 1}, b"[" * 100_000 + b"\n"),
    ({"segments": [], "lines": 2}, b"[]\n"),
])  # fmt: skip
def test_a_journal_that_authenticates_and_lies_costs_an_error_in_words(
    made: HandMade, reader: BareReader, head: dict[str, Any], lines: bytes
) -> None:
    text = json.dumps(head).encode()
    plaintext = b"\0" + struct.pack(">I", len(text)) + text + lines
    journal_id, entity = b"j" * 16, uuid.UUID(int=2).hex
    key = f"journals/{entity}/mail/{2:010d}-{journal_id.hex()}"
    header = struct.pack(">8sHHI16sI", b"EVKJRNL\0", 1, 0, 0, journal_id, 0)
    cipher = made.keys.journal_cipher(journal_id, 1, 0)
    sealed = header + cipher.encrypt(struct.pack(">IQ", 0, 0), plaintext, header + key.encode())
    made.store.put_if_absent(key, sealed)
    for action in (["list"], ["list", "--items"], ["verify"], ["export", "--to", made.root.parent / "out"]):
        said = run(reader, made, *action)  # type: ignore[arg-type]
        assert said.status in (0, 1)
    assert run(reader, made, "verify").status == 1


def test_links_and_remains_are_not_followed(made: HandMade, reader: BareReader, tmp_path: Path) -> None:
    packs = made.root / uuid.UUID(int=1).hex / "packs"
    (packs / ".tmp-123").write_bytes(b"remains of a broken write")
    (packs / "loop").symlink_to(packs)
    said = run(reader, made, "verify")
    assert said.status == 0, said.err


def test_raw_keys_of_a_vault_open_it(made: HandMade, reader: BareReader) -> None:
    """What `aws kms decrypt` prints where KMS has sealed the keys."""
    given = base64.b64encode(made.keys.join()).decode() + "\n"
    assert reader("verify", made.root, "--vault-keys", "-", given=given).status == 0
    header = EnvelopeHeader(uuid.UUID(int=1), 7, by_kms=True).pack()
    (made.root / uuid.UUID(int=1).hex / "keys" / "m1").unlink()
    made.store.put_if_absent("keys/kms-0123", header + b"\0\x03arn" + b"sealed by KMS")
    said = run(reader, made, "verify")
    assert said.status == 2 and base64.b64encode(b"sealed by KMS").decode() in said.err
    assert '"everkeep:account": "7"' in said.err
    said = reader("verify", made.root, "--vault-keys", "-", given="AAAA")
    assert said.status == 2 and "64 bytes" in said.err
