"""The way of new blobs into packs: compressed in batches, sealed, stored, recorded.

Rule numbers: docs/vault-ordering.md. With `threads` so many compress batches, each a batch of its own and
without the interpreter's lock; one encrypts and packs them in the order in which they came, others store
finished packs, and the caller reads on. With 0 all happens in the caller's thread, in the same order. The index
is asked and told by the caller's thread only.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .backends.base import ObjectStore
from .codec import Codec, Compressor
from .index import BlobIndex
from .keys import VaultKeys
from .pack import PackBuilder, SealedPack, pack_key

BATCH_BYTES: Final = 2 * 1024 * 1024  # compressed in one go
QUEUE_BYTES: Final = 8 * 1024 * 1024  # waiting to be compressed
MAX_WAITING: Final = 2  # packs that are being stored


class NewBlob(NamedTuple):
    """A blob that the vault does not hold yet, and what is to compress it."""

    blob_id: bytes
    plaintext: bytes | memoryview
    compressor: Compressor


class _Packed(NamedTuple):
    blob_id: bytes
    codec: Codec
    packed: bytes | memoryview
    raw_length: int


@dataclass(slots=True)
class _Batch:
    """Blobs that wait to be packed. `packed` is None when they have to be compressed (again)."""

    blobs: list[NewBlob]
    packed: "Future[list[_Packed]] | None" = None


@dataclass(slots=True)
class _Waiting:
    """A finished pack: `stored` is None when it has to be stored (again)."""

    pack: SealedPack
    stored: "Future[bool] | None" = None


class PackLine:
    """Takes blobs, leaves durable packs. No error forgets anything: `tend` or `finish` may be called again.

    `recorded` is called with each pack that is durable and in the index.
    """

    def __init__(
        self,
        keys: VaultKeys,
        store: ObjectStore,
        index: BlobIndex,
        *,
        recorded: Callable[[SealedPack], None],
        pack_bytes: int,
        threads: int,
    ) -> None:
        self._keys, self._store, self._index, self._recorded = keys, store, index, recorded
        self._pack_bytes, self._threads = pack_bytes, threads
        self._press: Executor = ThreadPoolExecutor(threads, "vault-press") if threads else _Inline()
        self._packer: Executor = ThreadPoolExecutor(1, "vault-pack") if threads else _Inline()
        self._upload: Executor = ThreadPoolExecutor(MAX_WAITING, "vault-store") if threads else _Inline()
        self._batch: list[NewBlob] = []
        self._batch_bytes = 0
        self._packing: deque[tuple[Future[None], int]] = deque()
        self._queue: deque[_Batch] = deque()
        self._ready: deque[_Packed] = deque()
        self._open: PackBuilder | None = None
        self._waiting: deque[_Waiting] = deque()

    @property
    def pending_bytes(self) -> int:
        """Bytes that are not durable yet (about: some are compressed already, some not)."""
        filling = self._open  # once: the other thread may seal it at any moment
        packed = (len(filling) if filling else 0) + sum(
            len(waiting.pack.data) for waiting in list(self._waiting)
        )
        return self._batch_bytes + self._queued() + packed

    def add(self, blob: NewBlob) -> bool:
        """Take one blob. True when it is time for `tend`."""
        self._batch.append(blob)
        self._batch_bytes += len(blob.plaintext)
        if self._batch_bytes < BATCH_BYTES:
            return False
        self.push()
        return True

    def push(self) -> None:
        """Send what has been added to be compressed."""
        if self._batch:
            self._queue.append(_Batch(self._batch, self._press.submit(_compressed, self._batch)))
            self._packing.append((self._packer.submit(self._work), self._batch_bytes))
            self._batch, self._batch_bytes = [], 0

    def tend(self) -> None:
        """Bring finished packs on their way, waiting only when too much is under way. Raises StoreError."""
        while self._packing and (self._packing[0][0].done() or self._queued() > QUEUE_BYTES):
            self._packing.popleft()[0].result()
        while self._waiting:
            self._start_storing()
            first = self._waiting[0]
            if len(self._waiting) <= MAX_WAITING and first.stored and not first.stored.done():
                return
            self._settle(first)

    def finish(self) -> None:
        """Make all of it durable and recorded. Raises StoreError; may then be called again."""
        self.push()
        while self._packing:
            self._packing.popleft()[0].result()
        self._work()  # what an error left behind
        self._seal()
        while self._waiting:
            self._start_storing()
            self._settle(self._waiting[0])

    def _queued(self) -> int:
        return sum(size for _, size in self._packing)

    def _start_storing(self) -> None:
        for waiting in list(self._waiting)[: MAX_WAITING if self._threads else 1]:
            if waiting.stored is None:
                pack = waiting.pack
                waiting.stored = self._upload.submit(
                    self._store.put_if_absent, pack_key(pack.pack_id), pack.data
                )

    def _settle(self, first: _Waiting) -> None:
        """Bring the oldest pack to rest. It stays the oldest until all of this has happened."""
        assert first.stored is not None
        try:
            first.stored.result()  # V1: durable before any row names it
        except BaseException:
            first.stored = None
            raise
        self._index.record(first.pack)  # V2: all its rows at once
        self._recorded(first.pack)
        self._waiting.popleft()

    def _work(self) -> None:
        """Pack what is queued, as it comes out of the press. One thread at a time."""
        while True:
            while self._ready:
                self._pack(self._ready[0])
                self._ready.popleft()
            if not self._queue:
                return
            self._ready.extend(self._pressed(self._queue[0]))
            self._queue.popleft()

    def _pressed(self, batch: _Batch) -> list[_Packed]:
        packed, batch.packed = batch.packed, None  # whatever comes of it, it is not asked twice
        return packed.result() if packed else _compressed(batch.blobs)

    def _pack(self, blob: _Packed) -> None:
        if self._open is None:
            self._open = PackBuilder(self._keys)
        self._open.add(*blob)
        if len(self._open) >= self._pack_bytes:
            self._seal()

    def _seal(self) -> None:
        if self._open is not None:
            self._waiting.append(_Waiting(self._open.seal()))
            self._open = None


def _compressed(blobs: Sequence[NewBlob]) -> list[_Packed]:
    """Compress a batch, all that share a compressor in one call."""
    alike: dict[Compressor, list[int]] = {}
    for at, blob in enumerate(blobs):
        alike.setdefault(blob.compressor, []).append(at)
    done: dict[int, tuple[Codec, bytes | memoryview]] = {}
    for compressor, places in alike.items():
        packed = compressor.pack_many([blobs[at].plaintext for at in places])
        done.update(zip(places, packed, strict=True))
    return [_Packed(blob.blob_id, *done[at], len(blob.plaintext)) for at, blob in enumerate(blobs)]


class _Inline(Executor):
    """Does at once, in the caller's thread, what is submitted."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future
