"""Sealed files of the index: they open whole or not at all, and say why."""

import os
from pathlib import Path

import pytest

from apps.search.index.errors import IndexDamaged, IndexKeyWrong
from apps.search.index.sealing import seal_file, unseal_file

KEY = b"k" * 32
FRAME = 1 << 20


def sealed(folder: Path, content: bytes) -> bytes:
    (folder / "plain").write_bytes(content)
    return b"".join(seal_file(folder / "plain", KEY, "seg.idx"))


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME])
def test_what_was_sealed_opens_from_pieces_of_any_length(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    data = sealed(tmp_path, content)
    for step in (len(data), 65_537):
        pieces = (data[at : at + step] for at in range(0, len(data), step))
        unseal_file(pieces, KEY, "seg.idx", tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == content
    assert (tmp_path / "again").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    data = sealed(tmp_path, os.urandom(2 * FRAME + 100))
    head, frame = 44, FRAME + 16
    first, second, rest = (
        data[head : head + frame],
        data[head + frame : head + 2 * frame],
        data[head + 2 * frame :],
    )
    damaged = [data[:cut] for cut in (0, 10, head, head + 5, head + frame, head + 2 * frame, len(data) - 1)]
    damaged += [data[:head] + second + first + rest, data[:head] + first + rest, data + b"x", data + first]
    damaged += [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in (0, 8, 30, 43, 44, 2 * FRAME, -1)]
    for each in damaged:
        with pytest.raises(IndexDamaged):
            unseal_file([each], KEY, "seg.idx", tmp_path / "again")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["plain"]


def test_another_key_or_another_name_is_told_from_damage(tmp_path: Path) -> None:
    data = sealed(tmp_path, b"hello")
    for key, name in ((b"x" * 32, "seg.idx"), (KEY, "seg.pos")):
        with pytest.raises(IndexKeyWrong):
            unseal_file([data], key, name, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain"]
