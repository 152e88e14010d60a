"""How a blob's plaintext is packed before it is encrypted."""

from enum import IntEnum
from typing import Final

import zstandard

from .errors import Corrupt

ZSTD_LEVEL: Final = 3
MAX_BLOB_BYTES: Final = 16 * 1024 * 1024


class Codec(IntEnum):
    """Stored in packs and in the blob index: numbers never change."""

    RAW = 0
    ZSTD = 1


class Compressor:
    """zstd level 3, or the bytes themselves when that is no gain. Not to be shared between threads."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=False, write_content_size=True)

    def pack(self, plaintext: bytes | memoryview) -> tuple[Codec, bytes | memoryview]:
        packed = self._zstd.compress(plaintext)
        return (Codec.ZSTD, packed) if len(packed) < len(plaintext) else (Codec.RAW, plaintext)


class Decompressor:
    """Undoes `Compressor`, allocating no more than was announced. Not to be shared between threads."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor()

    def unpack(self, codec: int, packed: bytes, raw_length: int) -> bytes:
        """Return exactly `raw_length` bytes. Raises Corrupt."""
        if raw_length > MAX_BLOB_BYTES:
            raise Corrupt(f"A blob claims {raw_length} bytes, more than any writer stores.")
        plaintext = self._inflate(packed, raw_length) if codec == Codec.ZSTD else packed
        if codec not in (Codec.RAW, Codec.ZSTD):
            raise Corrupt(f"A blob uses codec {codec}, which this release does not know.")
        if len(plaintext) != raw_length:
            raise Corrupt(f"A blob has {len(plaintext)} bytes instead of {raw_length}.")
        return plaintext

    def _inflate(self, packed: bytes, raw_length: int) -> bytes:
        try:
            # The frame's own claim is checked first: the library allocates what the frame announces.
            if zstandard.frame_content_size(packed) != raw_length:
                raise Corrupt("A blob's compressed frame announces another length.")
            return self._zstd.decompress(packed, max_output_size=raw_length, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise Corrupt(f"A blob does not decompress: {error}.") from error
