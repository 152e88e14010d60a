"""Messages taken apart and put together: apps/vault/store/mime.py and recipe.py."""

import base64
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.vault.store import mime
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.content import ContentPart, Role, decode_content, encode_content
from apps.vault.store.errors import BlobCorrupt, Corrupt
from apps.vault.store.index import MemoryIndex
from apps.vault.store.keys import VaultKeys
from apps.vault.store.mime import OWN_BLOB_FROM, split
from apps.vault.store.reader import VaultReader
from apps.vault.store.recipe import Hole, Recipe, encode, rebuild
from apps.vault.store.writer import VaultWriter

PICTURE = random.Random(1).randbytes(30_000)


def folded(data: bytes, line: int = 76, ending: bytes = b"\r\n") -> bytes:
    """Base64 in lines, without the last line's end."""
    text = base64.b64encode(data)
    return ending.join(text[at : at + line] for at in range(0, len(text), line)) if line else text


def mail(body: bytes, encoding: bytes = b"Content-Transfer-Encoding: base64", ending: bytes = b"\r\n") -> bytes:
    head = [
        b"From: a@example.com", b"Subject: hello", b'Content-Type: multipart/mixed; boundary="b"', b"",
        b"--b", b"Content-Type: text/plain", b"", b"Look at this",
        b"--b", b"Content-Type: image/png", encoding, b"",
    ]  # fmt: skip
    return ending.join([*head, body, b"--b--", b""])


def together(data: bytes) -> bytes:
    """Take a message apart and put it together as the reader does; itself when it is not taken apart."""
    if (taken := split(data)) is None:
        return data
    blobs = [taken.skeleton, *(body for _, body in taken.holes if body is not None)]
    holes = tuple(
        Hole(hole.skip, hole.size, hole.line, hole.ending, int(body is not None)) for hole, body in taken.holes
    )
    return b"".join(rebuild(Recipe(len(taken.skeleton), 1, holes), blobs))


def bodies(data: bytes) -> list[bytes | None]:
    taken = split(data)
    return [body for _, body in taken.holes] if taken else []


@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
@pytest.mark.parametrize("line", [76, 60, 64, 72, 4, 0])
def test_an_attachment_is_taken_out_decoded(line: int, ending: bytes) -> None:
    data = mail(folded(PICTURE, line, ending), ending=ending)
    assert bodies(data) == [PICTURE]
    assert together(data) == data


@pytest.mark.parametrize("size", [*range(30_000, 30_060), OWN_BLOB_FROM, OWN_BLOB_FROM - 1, 192, 193])
def test_bodies_of_any_length_come_back(size: int) -> None:
    data = mail(folded(PICTURE[:size]))
    assert bodies(data) == ([PICTURE[:size]] if size >= OWN_BLOB_FROM else [None])
    assert together(data) == data


def test_the_header_is_found_in_any_usual_spelling() -> None:
    for spelling in (
        b"content-transfer-encoding:base64",
        b"Content-transfer-encoding:\tBASE64 ",
        b'Content-Transfer-Encoding: "base64"',
    ):
        assert bodies(mail(folded(PICTURE), spelling)) == [PICTURE], spelling


def test_a_message_that_is_one_attachment_is_taken_apart() -> None:
    for end in (b"", b"\n", b"\n\n\n", b"\r\n"):
        data = b"Subject: x\nContent-Transfer-Encoding: base64\n\n" + folded(PICTURE, ending=b"\n") + end
        assert bodies(data) == [PICTURE] and together(data) == data


def test_a_message_in_a_message_is_taken_apart_too() -> None:
    inner = mail(folded(PICTURE), ending=b"\r\n")
    data = mail(inner, b"Content-Type: message/rfc822") + b"\r\n" + mail(folded(PICTURE[::-1]))
    assert bodies(data) == [PICTURE, PICTURE[::-1]]
    assert together(data) == data


@pytest.mark.parametrize(
    "body",
    [
        folded(PICTURE)[:-3],  # padding cut off
        folded(PICTURE, 75),  # lines that are no whole groups
        folded(PICTURE) + b"\r\nA footer of the mailing list",
        folded(PICTURE).replace(b"\r\n", b"\n", 5),  # line ends mixed
        folded(PICTURE).replace(b"\r\n", b" \r\n", 1),  # a blank at the end of a line
        folded(PICTURE)[:5000] + b"!" + folded(PICTURE)[5000:],  # not base64
        folded(PICTURE)[:5000] + b"\xe4" + folded(PICTURE)[5000:],
        folded(PICTURE[:7]).replace(b"=", b"x"),
        folded(PICTURE[:1000]) + b"\r\n" + folded(PICTURE),  # a short line in the middle
        folded(PICTURE[:29_999])[:-2] + b"B=",  # bits after the end that are not zero
        b"",
        b"\r\n" * 3,
        b"AAAA",
    ],
    ids=range(13),
)
def test_what_would_not_come_back_exactly_is_left_alone(body: bytes) -> None:
    data = mail(body)
    assert split(data) is None


def test_other_encodings_and_mere_talk_of_base64_are_left_alone() -> None:
    text = b"Please set Content-Transfer-Encoding: base64\n\n" + b"in your mailer, thanks. " * 50
    for data in (mail(b"=E4=F6" * 2000, b"Content-Transfer-Encoding: quoted-printable"), text, b"", b"\n\n"):
        assert split(data) is None


# Pieces of mail in any order: the scanner meets headers without ends, boundaries in odd places, nested parts.
pieces = st.one_of(
    st.sampled_from([
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: base64\n",
        b"content-transfer-encoding: 8bit\n", b"\r\n\r\n", b"\n\n", b"\n", b"--b\r\n", b"--b--\n", b"\r\n--",
        b"-", b"=", b"ransfer-", b"\xff\xfe", b"Content-T", b"Subject: =?utf-8?B?w6Q=?=\r\n", b"AAAA", b"\r",
    ]),
    st.builds(
        folded,
        st.builds(lambda seed, n: random.Random(seed).randbytes(n), st.integers(0, 5), st.integers(0, 4000)),
        st.sampled_from([76, 64, 4, 75, 0]),
        st.sampled_from([b"\n", b"\r\n"]),
    ),
    st.binary(max_size=80),
)  # fmt: skip
HEADED = b"Content-Transfer-Encoding: base64\r\n\r\n"


@given(st.lists(pieces, max_size=12).map(b"".join))
@example(HEADED + folded(PICTURE) + b"\r\n" + HEADED + folded(PICTURE))
@example(HEADED + b"\r\n\r\n" + folded(PICTURE))
@settings(max_examples=400, deadline=None)
def test_any_message_comes_back(data: bytes) -> None:
    assert together(data) == data


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_change_to_a_message_comes_back(data: st.DataObject) -> None:
    message = bytearray(mail(folded(PICTURE[:6_000])) + mail(folded(PICTURE[6_000:6_700])))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(message)))
        message[start : start + data.draw(st.integers(0, 30))] = data.draw(pieces)
    assert together(bytes(message)) == bytes(message)


@given(st.binary(max_size=3_000), st.sampled_from([0, 4, 76]), st.lists(st.integers(0, 3_000), max_size=5))
@settings(max_examples=200, deadline=None)
def test_a_hole_is_filled_the_same_however_its_body_is_cut(body: bytes, line: int, cuts: list[int]) -> None:
    body = body or b"x"
    hole = Hole(0, len(body), line, b"\n" if line else b"", 1)
    borders = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    cut = [body[start:end] for start, end in pairwise(borders)]
    assert b"".join(encode(hole, cut)) == folded(body, line, b"\n")
    assert hole.encoded_size == len(folded(body, line, b"\n"))


def hostile(size: int) -> Iterator[bytes]:
    header = b"Content-Transfer-Encoding: base64\n"
    yield header * (size // len(header))
    yield (header + b"\n") * (size // len(header))
    yield (header + b"\nAAAA\n") * (size // 40)
    yield b"ransfer-" * (size // 8)
    yield header + b"\n" * size
    yield header + b"\nAAAA" + b"\n" * size
    yield (header + b"\n" + b"AAAA" * 64 + b"\n-") * (size // 300)
    yield header + b"\n" + b"AAAA\n" * (size // 5)
    yield header + b"\n" + b"A\r" * (size // 2)
    yield (header + b"\n" + b"\r" * 300) * (size // 340)


class Watched(bytes):
    """A message that counts how many of its bytes are looked through or copied."""

    looked = 0

    def find(self, *args: Any) -> int:
        found = super().find(*args)
        self.looked += (found if found >= 0 else len(self)) - args[1]
        return found

    def __getitem__(self, key: Any) -> Any:
        taken = super().__getitem__(key)
        self.looked += len(taken)
        return taken


def test_a_hostile_message_is_looked_through_a_few_times_at_most() -> None:
    for data in hostile(400_000):
        watched = Watched(data)
        split(watched)
        assert watched.looked <= 5 * len(data), data[:80]
        assert together(data) == data


def test_an_attachment_in_fifty_mails_and_as_a_file_is_stored_once(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    attachment = random.Random(8).randbytes(400_000)
    mails = [
        mail(folded(attachment, line, end), ending=end) + b"%d" % number
        for number in range(10)
        for line in (76, 60, 0)
        for end in (b"\r\n", b"\n")
    ]
    with VaultWriter(keys, store, index) as writer:
        parts = writer.put_many([(Role.MIME, data) for data in mails])
        file = writer.put(Role.FILE, attachment)
    assert writer.raw_bytes > 30_000_000
    assert writer.stored_bytes < 420_000
    assert all(set(file.blobs) <= set(part.blobs) for part in parts)
    reader = VaultReader(keys, store, index)
    assert list(reader.read_many(parts)) == mails
    assert all(b"".join(reader.stream(part)) == data for part, data in zip(parts, mails, strict=True))
    assert decode_content(encode_content([parts[0], file])) == (parts[0], file)


def test_small_bodies_stay_in_the_skeleton_decoded(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    text = ("Grüße aus Köln. " * 60).encode()
    data = mail(folded(text))
    with VaultWriter(keys, store, index) as writer:
        part = writer.put(Role.MIME, data)
    assert len(part.blobs) == 1
    assert VaultReader(keys, store, index).read(part) == data
    assert split(data) is not None and text in split(data).skeleton  # type: ignore[union-attr]


def test_only_mail_is_taken_apart(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    data = mail(folded(PICTURE))
    with VaultWriter(keys, store, index) as writer:
        assert writer.put(Role.FILE, data).recipe is None
        assert writer.put(Role.MIME, data).recipe is not None


def test_a_skeleton_too_large_to_rebuild_in_memory_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    data = mail(folded(PICTURE)) + b"x" * 5_000
    monkeypatch.setattr(mime, "MAX_SKELETON_BYTES", 5_000)
    assert split(data) is None
    monkeypatch.setattr(mime, "MAX_SKELETON_BYTES", 6_000)
    assert split(data) is not None


def test_a_recipe_that_does_not_fit_its_blobs_is_refused(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    with VaultWriter(keys, store, index) as writer:
        part = writer.put(Role.MIME, mail(folded(PICTURE)))
        other = writer.put(Role.FILE, PICTURE[:20_000])
    reader = VaultReader(keys, store, index)
    swapped = ContentPart(part.role, part.size, (part.blobs[0], other.blobs[0]), part.recipe)
    turned = ContentPart(part.role, part.size, part.blobs[::-1], part.recipe)
    for wrong in (swapped, turned):
        with pytest.raises(BlobCorrupt):
            reader.read(wrong)
        with pytest.raises(BlobCorrupt):
            list(reader.read_many([part, wrong]))


def test_a_recipe_with_too_few_blobs_is_refused() -> None:
    recipe = Recipe(10, 1, (Hole(5, 60, 76, b"\n", 1),))
    with pytest.raises(Corrupt, match="fewer blobs"):
        list(rebuild(recipe, [b"x" * 10]))
