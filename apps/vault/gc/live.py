"""The set of live blobs of one account, on disk, whatever its size.

Ids are spread by their first byte over BUCKETS files and kept as the 8 bytes that follow. Two blobs that agree
in all nine bytes count as one: then a dead one lives on, never the other way round (one pair in 2^72).

Cost: 8 bytes of disk per reference. Memory: 8 MB while filling; one bucket at a time while asking, 105
bytes per blob in it (measured), which is 41 MB at 100 million blobs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

BUCKETS: Final = 256
SHORT: Final = slice(1, 9)
_SHORT_BYTES: Final = 8
_BUFFER_BYTES: Final = 32 * 1024


class LiveSet:
    """Fill it, then ask bucket by bucket. `folder` is empty and private; who made it removes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buffers = [bytearray() for _ in range(BUCKETS)]
        self.references = 0

    def add(self, blob_id: bytes) -> None:
        """Take in an id of 32 bytes; the same one any number of times."""
        buffer = self._buffers[blob_id[0]]
        buffer += blob_id[SHORT]
        self.references += 1
        if len(buffer) >= _BUFFER_BYTES:
            self._spill(blob_id[0])

    def bucket(self, number: int) -> set[bytes]:
        """Return the short ids (`blob_id[SHORT]`) of all live blobs whose first byte is `number`."""
        self._spill(number)
        path = self._path(number)
        data = path.read_bytes() if path.exists() else b""
        return {data[at : at + _SHORT_BYTES] for at in range(0, len(data), _SHORT_BYTES)}

    def _spill(self, number: int) -> None:
        if buffer := self._buffers[number]:
            with self._path(number).open("ab") as file:
                file.write(buffer)
            buffer.clear()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:02x}"


class Spool:
    """A list of blob ids on disk: written once, then read in batches. 32 bytes each."""

    def __init__(self, path: Path) -> None:
        self._path, self._file, self.count = path, path.open("wb"), 0

    def add(self, blob_id: bytes) -> None:
        """Append one id."""
        self._file.write(blob_id)
        self.count += 1

    def batches(self, size: int) -> Iterator[list[bytes]]:
        """Yield all ids in order, `size` at a time. Nothing can be added afterwards."""
        self._file.close()
        with self._path.open("rb") as file:
            while data := file.read(32 * size):
                yield [data[at : at + 32] for at in range(0, len(data), 32)]
