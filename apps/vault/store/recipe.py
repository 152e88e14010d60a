"""How a message that was taken apart is put together again, byte for byte (docs/vault-format.md, "Recipe").

A message is kept as its *skeleton*, all that is not base64, and the decoded bytes of each *hole* in it. A small
hole's bytes stand in the skeleton itself, at its place; those of a large one are blobs of their own, so that an
attachment is stored once whatever mail or folder it comes in.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import pybase64

from .errors import ContentCorrupt, Corrupt
from .numbers import Cursor, put_number

MAX_SKELETON_BYTES: Final = 16 * 1024 * 1024  # held in memory while a message is rebuilt
MAX_LINE: Final = 65536
USUAL_LINE: Final = 76
_LEAST_HOLE: Final = 5  # bytes of its entry
_FOLD_LINES: Final = 1024


@dataclass(frozen=True, slots=True)
class Hole:
    """Base64 text in a message, without its last line's end.

    `skip` bytes of skeleton stand between it and the hole before; `size` bytes are encoded in lines of `line`
    characters (0: all in one), parted by `ending`; they are the next `blobs` blobs, or with 0 the next bytes
    of the skeleton.
    """

    skip: int
    size: int
    line: int
    ending: bytes
    blobs: int

    @property
    def encoded_size(self) -> int:
        """Bytes that the hole fills in the message."""
        characters = (self.size + 2) // 3 * 4
        breaks = (characters - 1) // self.line if self.line else 0
        return characters + breaks * len(self.ending)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A message: the first `skeleton_blobs` of its part's blobs, with `holes` in the order of the message."""

    skeleton_size: int
    skeleton_blobs: int
    holes: tuple[Hole, ...]


_ENDINGS: Final = (b"", b"\n", b"\r\n")


def check_recipe(recipe: Recipe, size: int, blobs: int) -> None:
    """Raise ContentCorrupt unless the recipe makes `size` bytes of `blobs` blobs."""
    if not recipe.holes or not 0 < recipe.skeleton_blobs <= recipe.skeleton_size <= MAX_SKELETON_BYTES:
        raise ContentCorrupt("A recipe has no holes, or a skeleton that cannot be.")
    for hole in recipe.holes:
        if hole.size < 1 or hole.skip < 0 or not 0 <= hole.blobs <= hole.size:
            raise ContentCorrupt("A recipe has a hole of an impossible size.")
        if hole.line % 4 or not 0 <= hole.line <= MAX_LINE or hole.ending not in _ENDINGS:
            raise ContentCorrupt("A recipe has a hole with impossible lines.")
        if (hole.line == 0) != (hole.ending == b""):
            raise ContentCorrupt("A recipe has a hole with line ends but no lines, or the reverse.")
    inline = sum(hole.size for hole in recipe.holes if not hole.blobs)
    made = recipe.skeleton_size - inline + sum(hole.encoded_size for hole in recipe.holes)
    used = recipe.skeleton_blobs + sum(hole.blobs for hole in recipe.holes)
    if sum(hole.skip for hole in recipe.holes) + inline > recipe.skeleton_size or (made, used) != (size, blobs):
        raise ContentCorrupt(f"A recipe makes {made} bytes of {used} blobs instead of {size} of {blobs}.")


def put_recipe(out: bytearray, recipe: Recipe | None) -> None:
    """Append a recipe, or its absence."""
    put_number(out, len(recipe.holes) if recipe else 0)
    if recipe is None:
        return
    put_number(out, recipe.skeleton_size)
    put_number(out, recipe.skeleton_blobs)
    for hole in recipe.holes:
        put_number(out, hole.skip)
        put_number(out, hole.size)
        put_number(out, hole.line)
        out.append(_ENDINGS.index(hole.ending))
        put_number(out, hole.blobs)


def take_recipe(cursor: Cursor) -> Recipe | None:
    """Read what `put_recipe` wrote. Raises ContentCorrupt."""
    if not (count := cursor.count(_LEAST_HOLE)):
        return None
    size, blobs = cursor.number(), cursor.number()
    return Recipe(size, blobs, tuple(_take_hole(cursor) for _ in range(count)))


def _take_hole(cursor: Cursor) -> Hole:
    skip, size, line, ending = cursor.number(), cursor.number(), cursor.number(), cursor.byte()
    if ending >= len(_ENDINGS):
        raise ContentCorrupt(f"A recipe names line end {ending}, which this release does not know.")
    return Hole(skip, size, line, _ENDINGS[ending], cursor.number())


def rebuild(recipe: Recipe, blobs: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the message piece by piece from its blobs in order. Raises Corrupt when they do not fit.

    Memory: the skeleton and one blob.
    """
    source = iter(blobs)
    skeleton = memoryview(b"".join(_next(source) for _ in range(recipe.skeleton_blobs)))
    if len(skeleton) != recipe.skeleton_size:
        raise Corrupt(f"A message's skeleton has {len(skeleton)} bytes instead of {recipe.skeleton_size}.")
    at = 0
    for hole in recipe.holes:
        if hole.skip:
            yield bytes(skeleton[at : at + hole.skip])
        at += hole.skip
        if hole.blobs:
            yield from encode(hole, (_next(source) for _ in range(hole.blobs)))
        else:
            yield from encode(hole, (bytes(skeleton[at : at + hole.size]),))
            at += hole.size
    if at < len(skeleton):
        yield bytes(skeleton[at:])


def encode(hole: Hole, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a hole as it stood in the message, from its decoded bytes in pieces. Raises Corrupt."""
    step = hole.line // 4 * 3 or 3
    kept, done, first = b"", 0, True
    for piece in pieces:
        done += len(piece)
        kept = kept + piece if kept else piece
        # Whole lines go out at once; the last one waits, for it must not be followed by a line end.
        whole = (len(kept) - 1) // step * step
        if whole > 0:
            yield (b"" if first else hole.ending) + _folded(kept[:whole], hole)
            kept, first = kept[whole:], False
    if done != hole.size:
        raise Corrupt(f"An attachment has {done} bytes instead of {hole.size}.")
    yield (b"" if first else hole.ending) + _folded(kept, hole)


def _folded(data: bytes, hole: Hole) -> bytes:
    if hole.line == USUAL_LINE:
        folded = pybase64.encodebytes(data)
        return (folded if hole.ending == b"\n" else folded.replace(b"\n", hole.ending))[: -len(hole.ending)]
    text = pybase64.b64encode(data)
    if not hole.line or len(text) <= hole.line:
        return text
    lines: list[bytes] = []
    at = 0
    while (left := (len(text) - at) // hole.line) > 0:
        count = min(left, _FOLD_LINES)
        lines += _lines(hole.line, count).unpack_from(text, at)
        at += count * hole.line
    if at < len(text):
        lines.append(text[at:])
    return hole.ending.join(lines)


@lru_cache(maxsize=64)
def _lines(length: int, count: int) -> struct.Struct:
    return struct.Struct(f"{length}s" * count)


def _next(source: Iterator[bytes]) -> bytes:
    if (piece := next(source, None)) is None:
        raise Corrupt("A message has fewer blobs than its recipe names.")
    return piece
