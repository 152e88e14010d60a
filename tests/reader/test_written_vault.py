"""What today's writer stores of many mails, read by the reader: dictionaries, messages taken apart, chunks."""

import base64
import json
import random
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from apps.connectors.documents import canonical
from apps.vault.store.codec import Codec
from apps.vault.store.content import ContentPart, Role, encode_content
from apps.vault.store.index import MemoryIndex
from apps.vault.store.writer import VaultWriter
from tests.fixtures.sandbox import CORPUS
from tests.reader.bare import BareReader
from tests.reader.test_formats import HandMade, exported, run


def stored(made: HandMade, mails: Iterable[bytes]) -> tuple[dict[str, bytes], list[ContentPart], MemoryIndex]:
    """Store mails as a run does, with one journal; return them by their exported name."""
    index = MemoryIndex()
    mails = list(mails)
    with VaultWriter(made.keys, made.store, index) as writer:
        parts = writer.put_many([(Role.MIME, mail) for mail in mails])
    items = [made.item(f"m{n}", part, parent_id=None) for n, part in enumerate(parts)]
    made.journal(1, *items, items=len(items))
    return {f"m{n}.eml": mail for n, mail in enumerate(mails)}, parts, index


def letters(source: random.Random) -> Iterable[bytes]:
    """Small mails that have much in common, some with an attachment, one with a large one."""
    for number in range(160):
        ending = source.choice([b"\r\n", b"\n"])
        head = (
            b"From: a@b.example\r\nSubject: Invoice %d\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n"
            % number
        )
        text = b"--r\r\n\r\nPlease find attached invoice %d.\r\nKind regards\r\n" % number
        if number % 8:
            yield head + text + b"--r--"
            continue
        size = 400_000 if number == 80 else source.randint(1, 9_000)
        body = base64.encodebytes(source.randbytes(size)).replace(b"\n", ending)
        yield head + text + b"--r\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body + b"\r\n--r--\r\n"


@pytest.fixture
def made(tmp_path: Path) -> HandMade:
    return HandMade(tmp_path / "store")


def test_what_the_writer_makes_of_mails_comes_back_byte_for_byte(made: HandMade, reader: BareReader) -> None:
    mails, parts, index = stored(made, letters(random.Random(7)))
    assert any(part.recipe for part in parts) and any(len(part.blobs) > 2 for part in parts)
    assert any(place.codec == Codec.ZSTD_DICTIONARY for place in index.places.values())
    assert run(reader, made, "verify").status == 0
    assert exported(reader, made) == mails


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real mails is not at hand")
def test_real_mails_come_back_byte_for_byte(made: HandMade, reader: BareReader) -> None:
    with tarfile.open(CORPUS) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers() if member.isfile()]
        mails, parts, _ = stored(made, [file.read() for file in files[:1500] if file is not None])
    assert any(part.recipe for part in parts)
    assert exported(reader, made) == mails


def test_documents_come_back_byte_for_byte_with_their_files(made: HandMade, reader: BareReader) -> None:
    files = [b"\x89PNG" + bytes(range(256)) * 40, b"%PDF plan"]
    told = {
        "subject": "Żółw", "attachments": [
            {"name": "plan/../a?.pdf", "part": 1}, {"name": "photo.png", "part": 0}, {"name": "a link"},
        ],
    }  # fmt: skip
    document = canonical(told)
    with VaultWriter(made.keys, made.store, MemoryIndex()) as writer:
        parts = [writer.put(Role.PROPS, document), *(writer.put(Role.ATTACHMENT, file) for file in files)]
        writer.flush()
    item = made.item("Dough, weekly", parts[0], parent_id=None, content=encode_content(parts))
    made.journal(1, item, items=1)
    assert run(reader, made, "verify").status == 0
    out = made.root.parent / "out"
    said = run(reader, made, "export", "--to", out)
    assert said.status == 0, said.err
    (about,) = out.rglob("Dough, weekly.json")
    named = json.loads(about.read_text())["parts"]
    assert [part["file"] for part in named] == [
        "Dough, weekly.document.json", "Dough, weekly.attachment-1-photo.png",
        "Dough, weekly.attachment-2-plan_.._a_.pdf",
    ]  # fmt: skip
    assert [about.with_name(part["file"]).read_bytes() for part in named] == [document, *files]
