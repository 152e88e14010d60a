"""The content list of catalog rows: apps/vault/store/content.py."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.vault.store.content import ContentPart, Role, decode_content, encode_content
from apps.vault.store.errors import ContentCorrupt
from apps.vault.store.recipe import Hole, Recipe


@st.composite
def holes(draw: st.DrawFn) -> Hole:
    size, line = draw(st.integers(1, 2**40)), draw(st.sampled_from([0, 4, 60, 76, 65536]))
    ending = draw(st.sampled_from([b"\n", b"\r\n"])) if line else b""
    return Hole(draw(st.integers(0, 50)), size, line, ending, draw(st.integers(0, min(size, 3))))


@st.composite
def rebuilt_parts(draw: st.DrawFn) -> ContentPart:
    """A message in pieces. Small holes that stand in the skeleton make it larger."""
    found = tuple(draw(st.lists(holes(), min_size=1, max_size=3)))
    found = tuple(replace(hole, size=min(hole.size, 500)) if not hole.blobs else hole for hole in found)
    inline = sum(hole.size for hole in found if not hole.blobs)
    skeleton = 1 + inline + sum(hole.skip for hole in found) + draw(st.integers(0, 50))
    recipe = Recipe(skeleton, 1, found)
    count = 1 + sum(hole.blobs for hole in found)
    blobs = draw(st.lists(st.binary(min_size=32, max_size=32), min_size=count, max_size=count))
    size = skeleton - inline + sum(hole.encoded_size for hole in found)
    return ContentPart(draw(st.sampled_from(Role)), size, tuple(blobs), recipe)


@st.composite
def plain_parts(draw: st.DrawFn) -> ContentPart:
    blobs = tuple(draw(st.lists(st.binary(min_size=32, max_size=32), max_size=4)))
    size = draw(st.integers(len(blobs), 2**62)) if blobs else 0
    return ContentPart(draw(st.sampled_from(Role)), size, blobs)


def parts() -> st.SearchStrategy[ContentPart]:
    return st.one_of(plain_parts(), rebuilt_parts())


@given(st.lists(parts(), max_size=6))
def test_any_parts_come_back(given_parts: list[ContentPart]) -> None:
    encoded = encode_content(given_parts)
    assert decode_content(encoded) == tuple(given_parts)
    assert decode_content(memoryview(encoded)) == tuple(given_parts)  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_any_bytes_either_decode_to_what_encodes_back_or_are_refused(data: bytes) -> None:
    try:
        decoded = decode_content(data)
    except ContentCorrupt:
        return
    assert encode_content(decoded) == data


@given(st.lists(parts(), min_size=1, max_size=3), st.data())
def test_a_cut_list_is_refused(given_parts: list[ContentPart], data: st.DataObject) -> None:
    encoded = encode_content(given_parts)
    with pytest.raises(ContentCorrupt):
        decode_content(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


def test_the_bytes_are_the_documented_ones() -> None:
    part = ContentPart(Role.MIME, 300, (b"\x11" * 32,))
    assert (
        encode_content([part, ContentPart(Role.PROPS, 0, ())]).hex()
        == "0102" + "01ac0201" + "11" * 32 + "020000"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x03\x00",  # a later version
        b"\x02\x00",  # version 2 without a recipe
        b"\x01\x01\x09\x00\x00",  # a role that does not exist
        b"\x01\x01\x01\x05\x00",  # five bytes in no blob
        b"\x01\x00\x00",  # something after the end
        b"\x01\x80\x00",  # zero, not in its shortest form
        b"\x01" + b"\xff" * 9,  # a number beyond 63 bits
        b"\x01\xff\xff\xff\xff\xff\xff\xff\x7f",  # more parts than bytes
        b"\x01\x01\x01\x05\xff\xff\xff\xff\x0f",  # more blobs than bytes
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ContentCorrupt):
        decode_content(data)


SKELETON = Recipe(10, 1, (Hole(5, 60, 76, b"\n", 1),))  # makes 10 + 80 + 1 bytes of 2 blobs


def test_the_bytes_of_a_recipe_are_the_documented_ones() -> None:
    part = ContentPart(Role.MIME, 91, (b"\x11" * 32, b"\x22" * 32), SKELETON)
    assert encode_content([part]).hex() == "0201" + "015b02" + "11" * 32 + "22" * 32 + "010a01" + "053c4c0101"


@pytest.mark.parametrize(
    "recipe",
    [
        replace(SKELETON, holes=()),
        replace(SKELETON, skeleton_size=11),  # another size than the part's
        replace(SKELETON, skeleton_blobs=2),  # more blobs than the part has
        replace(SKELETON, skeleton_blobs=0),
        replace(SKELETON, skeleton_size=2**40),
        *(
            replace(SKELETON, holes=(replace(SKELETON.holes[0], **change),))
            for change in (
                {"skip": 11},
                {"skip": -1},
                {"size": 0},
                {"size": 61},
                {"line": 75},
                {"line": 0},
                {"line": 10**9},
                {"ending": b"\r\n"},
                {"ending": b"\r"},
                {"ending": b""},
                {"blobs": 0},
                {"blobs": 61},
            )
        ),
    ],
)
def test_impossible_recipes_are_neither_written_nor_read(recipe: Recipe) -> None:
    blobs = (b"\x11" * 32, b"\x22" * 32)
    with pytest.raises(ContentCorrupt):
        encode_content([ContentPart(Role.MIME, 91, blobs, recipe)])


def test_a_recipe_with_an_unknown_line_end_is_refused() -> None:
    good = encode_content([ContentPart(Role.MIME, 91, (b"\x11" * 32, b"\x22" * 32), SKELETON)])
    assert decode_content(good)[0].recipe == SKELETON
    with pytest.raises(ContentCorrupt, match="line end 3"):
        decode_content(good[:-2] + b"\x03" + good[-1:])


def test_role_numbers_never_change() -> None:
    assert {role.name: role.value for role in Role} == {"MIME": 1, "PROPS": 2, "FILE": 3, "ATTACHMENT": 4}


@pytest.mark.parametrize(
    "size, blobs", [(5, ()), (0, (b"\0" * 32,)), (5, (b"short",)), (-1, ()), (2**63, (b"\0" * 32,))]
)
def test_impossible_parts_are_not_written(size: int, blobs: tuple[bytes, ...]) -> None:
    with pytest.raises(ContentCorrupt):
        encode_content([ContentPart(Role.FILE, size, blobs)])
