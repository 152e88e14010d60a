"""Where large content is cut into blobs. Borders follow the content, so an insertion moves only its neighbours.

Cutting is the writer's choice, never part of reading: the catalog lists the blobs. It must nevertheless
stay the same from release to release, else nothing old deduplicates: tests/vault/test_chunking.py pins it.
"""

from collections.abc import Iterator
from typing import Final

from pyfastcdc import FastCDC

WHOLE_UP_TO: Final = 64 * 1024
MIN_CHUNK: Final = 16 * 1024
AVERAGE_CHUNK: Final = 64 * 1024
MAX_CHUNK: Final = 256 * 1024


class Chunker:
    """FastCDC (2020) with the account's seed. Not to be shared between threads."""

    def __init__(self, seed: int) -> None:
        self._cutter = FastCDC(
            AVERAGE_CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK, normalized_chunking=1, seed=seed
        )

    def cut(self, data: bytes) -> Iterator[bytes | memoryview]:
        """Yield the pieces of `data` in order: none for nothing, one up to 64 KiB, then 16 to 256 KiB each."""
        if len(data) > WHOLE_UP_TO:
            for chunk in self._cutter.cut_buf(data):
                yield chunk.data
        elif data:
            yield data
