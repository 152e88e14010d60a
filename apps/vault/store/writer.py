"""Putting items into a vault. The rule numbers are those of docs/vault-ordering.md."""

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from .backends.base import ObjectStore
from .chunking import Chunker
from .codec import Compressor
from .content import ContentPart, Role
from .index import BlobIndex
from .keys import VaultKeys
from .pack import TARGET_PACK_BYTES, PackBuilder, SealedPack, pack_key

KNOWN_LIMIT: Final = 200_000  # ids remembered to spare look-ups: about 25 MB

_Piece = tuple[bytes, bytes | memoryview]  # blob id, plaintext


class VaultWriter:
    """One per run, used by one thread at a time; a context manager that flushes when nothing went wrong.

    V4: what `put` returns may be referenced only after `flush` has returned. When `flush` or `put` raises, the
    work is not lost: `flush` may be called again. Memory: one pack and the ids of recent blobs.
    """

    def __init__(
        self, keys: VaultKeys, store: ObjectStore, index: BlobIndex, *, pack_bytes: int = TARGET_PACK_BYTES
    ) -> None:
        self._keys, self._store, self._index, self._pack_bytes = keys, store, index, pack_bytes
        self._chunker, self._compressor = Chunker(keys.chunk_seed()), Compressor()
        self._open: PackBuilder | None = None
        self._pending: set[bytes] = set()  # in the open pack or in a sealed one that is not yet recorded
        self._waiting: SealedPack | None = None
        self._known: set[bytes] = set()
        self.raw_bytes = 0
        self.stored_bytes = 0
        self.new_blobs = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes that are not durable yet."""
        return (len(self._open) if self._open else 0) + (len(self._waiting.data) if self._waiting else 0)

    def put(self, role: Role, data: bytes) -> ContentPart:
        """Store one part of an item. For many, `put_many` costs one look-up for all of them."""
        return self.put_many([(role, data)])[0]

    def put_many(self, items: Sequence[tuple[Role, bytes]]) -> list[ContentPart]:
        """Store parts; what the vault holds already costs a hash and a look-up. Raises StoreError."""
        self._settle()  # a pack that could not be stored goes first, so that no more than one waits
        pieces = [self._pieces(data) for _, data in items]
        self._look_up(pieces)
        parts = []
        for (role, data), item_pieces in zip(items, pieces, strict=True):
            for blob_id, plaintext in item_pieces:
                if blob_id not in self._known and blob_id not in self._pending:
                    self._add(blob_id, plaintext)
            parts.append(ContentPart(role, len(data), tuple(blob_id for blob_id, _ in item_pieces)))
            self.raw_bytes += len(data)
        return parts

    def flush(self) -> None:
        """Make everything that was put durable and recorded. Raises StoreError; may then be called again."""
        self._settle()
        if self._open is not None:
            self._seal()
            self._settle()

    def _pieces(self, data: bytes) -> list[_Piece]:
        return [(self._keys.blob_id(piece), piece) for piece in self._chunker.cut(data)]

    def _look_up(self, pieces: Sequence[Sequence[_Piece]]) -> None:
        """Learn which of the pieces the vault holds, in one question."""
        if len(self._known) > KNOWN_LIMIT:
            self._known.clear()
        unsure = {blob_id for group in pieces for blob_id, _ in group} - self._known - self._pending
        if unsure:
            self._known |= self._index.known(unsure)

    def _add(self, blob_id: bytes, plaintext: bytes | memoryview) -> None:
        if self._open is None:
            self._open = PackBuilder(self._keys)
        codec, packed = self._compressor.pack(plaintext)
        self._open.add(blob_id, codec, packed, len(plaintext))
        self._pending.add(blob_id)
        self.new_blobs += 1
        if len(self._open) >= self._pack_bytes:
            self._seal()
            self._settle()

    def _seal(self) -> None:
        assert self._open is not None and self._waiting is None
        self._waiting, self._open = self._open.seal(), None

    def _settle(self) -> None:
        """Bring the waiting pack to rest. Nothing is forgotten before all of it has happened."""
        pack = self._waiting
        if pack is None:
            return
        self._store.put_if_absent(pack_key(pack.pack_id), pack.data)  # V1: durable before any row names it
        self._index.record(pack)  # V2: all its rows at once
        settled = {blob_id for blob_id, _ in pack.blobs}
        self._known |= settled
        self._pending -= settled
        self.stored_bytes += len(pack.data)
        self._waiting = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
