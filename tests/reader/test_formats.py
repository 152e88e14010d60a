"""What the format page says, read by the reader: old vaults, dictionaries, recipes, journals of every kind."""

import base64
import binascii
import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
import zstandard

from apps.core.sealing import Keyring
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.codec import Codec
from apps.vault.store.content import ContentPart, Role, encode_content
from apps.vault.store.dictionary import Dictionary, number_of
from apps.vault.store.journal import Chain, JournalWriter
from apps.vault.store.journal_lines import EndLine, SnapshotLine, VersionLine
from apps.vault.store.keys import VaultKeys, wrap_keys
from apps.vault.store.pack import Kind, PackBuilder, pack_key
from apps.vault.store.recipe import Hole, Recipe
from tests.reader.bare import BareReader, Said
from tests.reader.module import reader as module

GOLDEN = sorted((Path(__file__).parents[1] / "vault" / "golden").iterdir())
VAULT, ENTITY = uuid.UUID(int=1), uuid.UUID(int=2)
MASTER = b"m" * 32
CHAIN = Chain(ENTITY, "mail")


class HandMade:
    """A vault written by hand: packs blob by blob, journals line by line."""

    def __init__(self, root: Path) -> None:
        self.root, self.keys = root, VaultKeys(bytes(range(32)), bytes(range(32, 64)))
        self.store = LocalStore(root / VAULT.hex)
        ring = Keyring({"m1": MASTER})
        envelope = wrap_keys(self.keys, ring=ring, vault_id=VAULT, account_id=7)
        self.store.put_if_absent("keys/m1", envelope)
        (root.parent / "master").write_text("m1:" + base64.b64encode(MASTER).decode())
        self.link: str | None = None

    def pack(self, *blobs: tuple[int, int, bytes, bytes]) -> list[bytes]:
        """Write a pack of (kind, codec, packed, plaintext); return the blobs' ids."""
        builder = PackBuilder(self.keys)
        ids = []
        for kind, codec, packed, plaintext in blobs:
            ids.append(self.keys.blob_id(plaintext))
            builder.add(ids[-1], Codec(codec), packed, len(plaintext), Kind(kind))
        sealed = builder.seal()
        self.store.put_if_absent(pack_key(sealed.pack_id), bytes(sealed.data))
        return ids

    def journal(self, number: int, *lines: Any, base: bool = False, items: int = 0, **info: Any) -> str:
        writer = JournalWriter(self.keys, self.store, CHAIN, number, base=base, segment_bytes=200)
        for line in lines:
            writer.add(line)
        snapshot = {"number": number, "taken_at": f"2026-11-{number:02}T03:00:00+00:00", "items": items}
        about = {"entity": {"name": "Bob", "address": "bob@x.example"}, "written_at": f"{number}"}
        said = {"before": self.link, **about, "snapshot": snapshot, **info}
        self.link = writer.finish(said, link=self.link or "").link
        return self.link

    def item(self, name: str, part: ContentPart, **fields: Any) -> VersionLine:
        values = {
            "remote_id": name, "parent_id": "inbox", "is_folder": False, "well_known": "", "name": name,
            "author": "", "recipients": "", "time": None, "size": part.size, "has_attachments": False,
            "etag": "", "content": encode_content([part]), "props": b"{}", "first": 1, "gone": None,
        }  # fmt: skip
        return VersionLine(**{**values, **fields})

    def folder(self, name: str, parent: str | None = None, **fields: Any) -> VersionLine:
        nothing = ContentPart(Role.MIME, 0, ())
        return self.item(name, nothing, parent_id=parent, is_folder=True, content=b"", **fields)


@pytest.fixture
def made(tmp_path: Path) -> HandMade:
    return HandMade(tmp_path / "store")


def run(reader: BareReader, made: HandMade, action: str, *arguments: object) -> Said:
    return reader(action, made.root, "--master-key", made.root.parent / "master", *arguments)


def exported(reader: BareReader, made: HandMade, *arguments: object) -> dict[str, bytes]:
    out = made.root.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    said = run(reader, made, "export", "--to", out, *arguments)
    assert said.status == 0, said.err
    mails = out / "Bob" / "mail"
    return {path.relative_to(mails).as_posix(): path.read_bytes() for path in mails.rglob("*.eml")}


def with_dictionary(data: bytes, number: bytes, plaintext: bytes) -> bytes:
    trained = zstandard.ZstdCompressionDict(data)
    return number + zstandard.ZstdCompressor(level=3, dict_data=trained, write_dict_id=False).compress(
        plaintext
    )


def plain(part: bytes, blob: bytes) -> ContentPart:
    return ContentPart(Role.MIME, len(part), (blob,))


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda folder: folder.name)
def test_vaults_of_every_release_verify(golden: Path, reader: BareReader, tmp_path: Path) -> None:
    expected = json.loads((golden / "expected.json").read_text())
    master = base64.b64encode(bytes.fromhex(expected["master_key"])).decode()
    (tmp_path / "master").write_text(f"{expected['master_key_id']}:{master}")
    said = reader("verify", golden / "store", "--master-key", tmp_path / "master")
    assert said.status == 0, said.err
    assert not said.out.startswith("0 packs")


def test_blobs_of_every_codec_are_read(reader: BareReader, made: HandMade) -> None:
    samples = [
        f"From: person{n}@x.example\r\nSubject: Invoice {n}\r\n\r\nKind regards".encode() for n in range(90)
    ]
    trained = zstandard.train_dictionary(2000, samples)
    dictionary = Dictionary(Role.MIME, trained.as_bytes()).plaintext()
    number = number_of(made.keys.blob_id(dictionary))
    packed = with_dictionary(trained.as_bytes(), number, samples[0])
    made.pack((2, 0, dictionary, dictionary))
    squeezed = zstandard.ZstdCompressor(level=3).compress(samples[2])
    (raw,) = made.pack((1, 0, samples[1], samples[1]))
    with_it, zipped = made.pack((1, 2, packed, samples[0]), (1, 1, squeezed, samples[2]))
    made.journal(
        1,
        made.folder("inbox"),
        made.item("a", plain(samples[0], with_it)),
        made.item("b", plain(samples[1], raw)),
        made.item("c", plain(samples[2], zipped)),
        items=3,
    )
    assert run(reader, made, "verify").status == 0
    found = exported(reader, made)
    assert found == {f"inbox/{name}.eml": samples[n] for n, name in enumerate("abc")}


def test_a_dictionarys_second_copy_helps_when_the_first_is_lost(reader: BareReader, made: HandMade) -> None:
    samples = [f"Line {n} of a small mail, with its usual words".encode() for n in range(90)]
    trained = zstandard.train_dictionary(1000, samples).as_bytes()
    first = Dictionary(Role.MIME, trained).plaintext()
    number = number_of(made.keys.blob_id(first))
    second = Dictionary(Role.MIME, trained, copy_of=number).plaintext()
    made.pack((2, 0, first, first))
    (lost,) = (made.root / VAULT.hex / "packs").glob("*/*")
    made.pack((2, 0, second, second))
    packed = with_dictionary(trained, number, samples[3])
    (blob,) = made.pack((1, 2, packed, samples[3]))
    made.journal(1, made.item("a", plain(samples[3], blob), parent_id=None), items=1)
    lost.unlink()
    assert exported(reader, made) == {"a.eml": samples[3]}
    for pack in (made.root / VAULT.hex / "packs").glob("*/*"):
        if second in pack.read_bytes() or pack.stat().st_size > 500:
            pack.unlink()
    said = run(reader, made, "verify")
    assert said.status == 1 and "dictionary" in said.err


@pytest.mark.parametrize("line, ending", [(76, b"\r\n"), (64, b"\n"), (0, b""), (4, b"\r\n")])
@pytest.mark.parametrize("size", [1, 2, 3, 57, 58, 114, 1000])
def test_messages_that_were_taken_apart_come_back_exactly(
    made: HandMade, line: int, ending: bytes, size: int
) -> None:
    """One hole in a blob of its own, in two pieces; one in the skeleton."""
    attached, small = bytes(i * 7 % 256 for i in range(size)), b"small"
    message = b"A\r\n" + folded(attached, line, ending) + b"\r\nB" + folded(small, line, ending) + b"\r\nC"
    skeleton = b"A\r\n" + b"\r\nB" + small + b"\r\nC"
    pieces = [piece for piece in (attached[: size // 2], attached[size // 2 :]) if piece]
    recipe = Recipe(
        len(skeleton), 1, (Hole(3, size, line, ending, len(pieces)), Hole(3, len(small), line, ending, 0))
    )
    blobs = {made.keys.blob_id(data): data for data in (skeleton, *pieces)}
    names = tuple(made.keys.blob_id(data) for data in (skeleton, *pieces))
    content = encode_content([ContentPart(Role.MIME, len(message), names, recipe)])
    (part,) = module.parse_content(content)

    class Source:
        read = staticmethod(blobs.__getitem__)

    assert b"".join(module.part_bytes(part, Source())) == message


def folded(data: bytes, line: int, ending: bytes) -> bytes:
    text = binascii.b2a_base64(data, newline=False)
    width = line or len(text)
    return ending.join(text[start : start + width] for start in range(0, len(text), width))


def test_a_chain_with_a_base_gives_every_day_that_is_kept(reader: BareReader, made: HandMade) -> None:
    bodies = {name: name.encode() * 9 for name in ("one", "two", "three", "four")}
    ids = dict(zip(bodies, made.pack(*((1, 0, body, body) for body in bodies.values())), strict=True))
    item = {name: made.item(name, plain(body, ids[name])) for name, body in bodies.items()}
    made.link = "0" * 64
    earlier = {"snapshot": {"number": 2, "taken_at": "2026-11-02T03:00:00+00:00", "items": 2}}
    made.journal(
        3,
        SnapshotLine(earlier),
        made.folder("inbox", first=1),
        item["one"]._replace(first=1, gone=3),
        item["two"]._replace(first=2),
        item["three"]._replace(first=3),
        base=True,
        items=2,
    )
    made.journal(4, EndLine("two"), item["four"]._replace(first=4), items=2)
    made.journal(5, EndLine("three"), item["three"]._replace(first=5, name="renamed"), items=2)
    assert run(reader, made, "verify").status == 0
    days = {number: set(exported(reader, made, "--snapshot", number)) for number in (2, 3, 4, 5)}
    assert days == {
        2: {"inbox/one.eml", "inbox/two.eml"},
        3: {"inbox/two.eml", "inbox/three.eml"},
        4: {"inbox/three.eml", "inbox/four.eml"},
        5: {"inbox/renamed.eml", "inbox/four.eml"},
    }


def test_of_two_journals_of_a_snapshot_the_one_that_the_next_names_counts(
    reader: BareReader, made: HandMade
) -> None:
    bodies = [b"died" * 9, b"lives" * 9]
    died, lives = made.pack(*((1, 0, body, body) for body in bodies))
    made.journal(1, made.item("died", plain(bodies[0], died), parent_id=None), items=1, written_at="9")
    made.link = None
    made.journal(1, made.item("lives", plain(bodies[1], lives), parent_id=None), items=1, written_at="1")
    made.journal(2, items=1)
    assert exported(reader, made) == {"lives.eml": bodies[1]}
    assert run(reader, made, "verify").status == 0


def test_names_of_strangers_lead_nowhere_else(reader: BareReader, made: HandMade) -> None:
    body = b"body" * 9
    (blob,) = made.pack((1, 0, body, body))
    hostile = [
        "../../../etc/passwd",
        "/root",
        "a\0b",
        "..",
        "",
        "CON",
        "x" * 400,
        "\x1b[2J",
        "same",
        "same",
        ".",
    ]
    items = [
        made.item(f"id{n}", plain(body, blob), parent_id="up")._replace(name=name)
        for n, name in enumerate(hostile)
    ]
    made.journal(1, made.folder("up", parent="up")._replace(name="../.."), *items, items=len(items))
    found = exported(reader, made)
    assert len(found) == len(hostile) and all(data == body for data in found.values())
    assert not [name for name in found if ".." in name.split("/")]
    assert "\x1b" not in run(reader, made, "list", "--items").out
