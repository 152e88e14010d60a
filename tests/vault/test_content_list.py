"""The content list of catalog rows: apps/vault/store/content.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.vault.store.content import ContentPart, Role, decode_content, encode_content
from apps.vault.store.errors import ContentCorrupt


@st.composite
def parts(draw: st.DrawFn) -> ContentPart:
    blobs = tuple(draw(st.lists(st.binary(min_size=32, max_size=32), max_size=4)))
    size = draw(st.integers(len(blobs), 2**62)) if blobs else 0
    return ContentPart(draw(st.sampled_from(Role)), size, blobs)


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
        b"\x02\x00",  # a later version
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


def test_role_numbers_never_change() -> None:
    assert {role.name: role.value for role in Role} == {"MIME": 1, "PROPS": 2, "FILE": 3, "ATTACHMENT": 4}


@pytest.mark.parametrize(
    "size, blobs", [(5, ()), (0, (b"\0" * 32,)), (5, (b"short",)), (-1, ()), (2**63, (b"\0" * 32,))]
)
def test_impossible_parts_are_not_written(size: int, blobs: tuple[bytes, ...]) -> None:
    with pytest.raises(ContentCorrupt):
        encode_content([ContentPart(Role.FILE, size, blobs)])
