"""Putting items into a vault. The rule numbers are those of docs/vault-ordering.md."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, NamedTuple, Self

from .backends.base import ObjectStore
from .chunking import Chunker
from .codec import Compressor
from .content import ContentPart, Role
from .index import BlobIndex
from .keys import VaultKeys
from .mime import split
from .pack import TARGET_PACK_BYTES, SealedPack
from .packing import NewBlob, PackLine
from .recipe import Recipe
from .training import LARGEST_ITEM, DictionaryBook

KNOWN_LIMIT: Final = 100_000  # ids remembered twice over to spare look-ups: together about 25 MB


class _Piece(NamedTuple):
    """A blob to be. `role` is set when it is a small item, whole: those of a role share a dictionary."""

    blob_id: bytes
    plaintext: bytes | memoryview
    role: Role | None


class VaultWriter:
    """One per run, used by one thread at a time; a context manager that flushes when nothing went wrong.

    V4: what `put` returns may be referenced only after `flush` has returned. When `flush` or `put` raises, the
    work is not lost: `flush` may be called again. Memory: about four packs (two with `threads` = 0), the ids of
    recent blobs, and until the first dictionary is trained its samples.
    """

    def __init__(
        self,
        keys: VaultKeys,
        store: ObjectStore,
        index: BlobIndex,
        *,
        pack_bytes: int = TARGET_PACK_BYTES,
        threads: int = 0,
    ) -> None:
        """`threads`: how many compress beside the caller's (store/packing.py); 0 does all in the caller's."""
        self._keys, self._index = keys, index
        self._chunker, self._plain = Chunker(keys.chunk_seed()), Compressor()
        self._line = PackLine(
            keys, store, index, recorded=self._recorded, pack_bytes=pack_bytes, threads=threads
        )
        self._book = DictionaryBook(keys, store, index, recorded=self._recorded)
        self._held: deque[_Piece] = deque()  # small items that wait for a dictionary
        self._pending: set[bytes] = set()  # put, but not yet recorded
        self._known: set[bytes] = set()
        self._known_before: set[bytes] = set()
        self.raw_bytes = 0
        self.stored_bytes = 0
        self.new_blobs = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes that are not durable yet."""
        return self._line.pending_bytes + sum(len(piece.plaintext) for piece in self._held)

    def put(self, role: Role, data: bytes) -> ContentPart:
        """Store one part of an item. For many, `put_many` costs one look-up for all of them."""
        return self.put_many([(role, data)])[0]

    def put_many(self, items: Sequence[tuple[Role, bytes]]) -> list[ContentPart]:
        """Store parts; what the vault holds already costs a hash and a look-up. Raises StoreError."""
        self._line.tend()  # packs that could not be stored go first, so that no more than a few wait
        cut = [self._cut(role, data) for role, data in items]
        self._look_up([pieces for _, pieces in cut])
        for _, pieces in cut:
            for piece in pieces:
                if not self._has(piece.blob_id):
                    self._add(piece)
        self._line.push()
        self._line.tend()
        self.raw_bytes += sum(part.size for part, _ in cut)
        return [part for part, _ in cut]

    def flush(self) -> None:
        """Make everything that was put durable and recorded. Raises StoreError; may then be called again."""
        for role in {piece.role for piece in self._held if piece.role}:
            self._book.train(role)
        self._release()
        self._line.finish()

    def _cut(self, role: Role, data: bytes) -> tuple[ContentPart, list[_Piece]]:
        """Return what the catalog will keep of a part, and its blobs."""
        taken = split(data) if role == Role.MIME else None
        if taken is None:
            pieces = self._pieces(data, role)
            return ContentPart(role, len(data), _ids(pieces)), pieces
        pieces = self._pieces(taken.skeleton, role)
        skeleton_blobs, holes = len(pieces), []
        for hole, body in taken.holes:
            blobs = self._pieces(body, None) if body is not None else []
            holes.append(replace(hole, blobs=len(blobs)))
            pieces += blobs
        recipe = Recipe(len(taken.skeleton), skeleton_blobs, tuple(holes))
        return ContentPart(role, len(data), _ids(pieces), recipe), pieces

    def _pieces(self, data: bytes, role: Role | None) -> list[_Piece]:
        role = role if len(data) <= LARGEST_ITEM else None
        return [_Piece(self._keys.blob_id(piece), piece, role) for piece in self._chunker.cut(data)]

    def _has(self, blob_id: bytes) -> bool:
        return blob_id in self._known or blob_id in self._pending or blob_id in self._known_before

    def _look_up(self, cut: Sequence[Sequence[_Piece]]) -> None:
        """Learn which of the pieces the vault holds, in one question."""
        if len(self._known) > KNOWN_LIMIT:
            self._known_before, self._known = self._known, set()
        unsure = {piece.blob_id for pieces in cut for piece in pieces if not self._has(piece.blob_id)}
        if unsure:
            self._known |= self._index.known(unsure)

    def _add(self, piece: _Piece) -> None:
        role = piece.role
        # First: it may read the store and raise. A piece that is pending already would then never be stored.
        waits = role is not None and self._book.waits(role)
        self._pending.add(piece.blob_id)
        self.new_blobs += 1
        if role is None:
            self._send(piece, self._plain)
            return
        enough = self._book.learn(role, piece.plaintext)
        if waits:
            self._held.append(piece)
        else:
            self._send(piece, self._book.compressor(role) or self._plain)
        if enough:
            self._book.train(role)
            self._release()

    def _release(self) -> None:
        """Let go the items that waited for a dictionary."""
        while self._held:
            piece = self._held.popleft()
            assert piece.role is not None
            self._send(piece, self._book.compressor(piece.role) or self._plain)

    def _send(self, piece: _Piece, compressor: Compressor) -> None:
        if self._line.add(NewBlob(piece.blob_id, piece.plaintext, compressor)):
            self._line.tend()

    def _recorded(self, pack: SealedPack) -> None:
        settled = {blob_id for blob_id, _ in pack.blobs}
        self._known |= settled
        self._pending -= settled
        self.stored_bytes += len(pack.data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()


def _ids(pieces: Sequence[_Piece]) -> tuple[bytes, ...]:
    return tuple(piece.blob_id for piece in pieces)
