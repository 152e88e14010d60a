"""How a blob's plaintext is packed before it is encrypted."""

import threading
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

import zstandard

from .errors import Corrupt

ZSTD_LEVEL: Final = 3
MAX_BLOB_BYTES: Final = 16 * 1024 * 1024

Plain = bytes | memoryview
Packed = tuple["Codec", bytes | memoryview]


class Codec(IntEnum):
    """Stored in packs and in the blob index: numbers never change."""

    RAW = 0
    ZSTD = 1
    ZSTD_DICTIONARY = 2  # number of the dictionary (store/dictionary.py), then a frame made with it


NUMBER_BYTES: Final = 4  # of a dictionary


class Compressor:
    """zstd level 3, with a dictionary or without, or the bytes themselves when that is no gain.

    May be used by several threads at once.
    """

    def __init__(self, dictionary: bytes | None = None, number: bytes = b"") -> None:
        """`number` is the dictionary's, NUMBER_BYTES long, and goes in front of what it compressed."""
        self._number, self._codec = number, Codec.ZSTD if dictionary is None else Codec.ZSTD_DICTIONARY
        trained = None if dictionary is None else zstandard.ZstdCompressionDict(dictionary)
        if trained is not None:
            trained.precompute_compress(level=ZSTD_LEVEL)
        self._zstd = zstandard.ZstdCompressor(
            level=ZSTD_LEVEL,
            dict_data=trained,
            write_checksum=False,
            write_content_size=True,
            write_dict_id=False,  # the number tells which
        )
        self._one = threading.Lock()  # `compress` works in the object, `multi_compress_to_buffer` beside it

    def pack(self, plaintext: Plain) -> Packed:
        with self._one:
            frame = self._zstd.compress(plaintext)
        return self._smaller(plaintext, frame)

    def pack_many(self, plaintexts: Sequence[Plain]) -> list[Packed]:
        """Pack all in one call of the library, without the interpreter's lock."""
        if len(plaintexts) == 1:
            return [self.pack(plaintexts[0])]
        frames = self._zstd.multi_compress_to_buffer(list(plaintexts), threads=0)
        return [self._smaller(plain, frames[at]) for at, plain in enumerate(plaintexts)]

    def _smaller(self, plaintext: Plain, frame: Any) -> Packed:
        if len(self._number) + len(frame) >= len(plaintext):
            return Codec.RAW, plaintext
        return self._codec, self._number + memoryview(frame) if self._number else memoryview(frame)


def _no_dictionary(number: bytes) -> bytes:
    raise Corrupt(f"The blob needs dictionary {number.hex()}, which is not at hand.")


class Decompressor:
    """Undoes the compressors, allocating no more than was announced. Not to be shared between threads.

    `dictionary` returns the dictionary of a number; each is asked for once.
    """

    def __init__(self, dictionary: Callable[[bytes], bytes] = _no_dictionary) -> None:
        self._zstd = zstandard.ZstdDecompressor()
        self._dictionary = dictionary
        self._trained: dict[bytes, zstandard.ZstdDecompressor] = {}

    def unpack(self, codec: int, packed: bytes, raw_length: int) -> bytes:
        """Return exactly `raw_length` bytes. Raises Corrupt."""
        if raw_length > MAX_BLOB_BYTES:
            raise Corrupt(f"A blob claims {raw_length} bytes, more than any writer stores.")
        match codec:
            case Codec.RAW:
                plaintext = packed
            case Codec.ZSTD:
                plaintext = _inflate(self._zstd, packed, raw_length)
            case Codec.ZSTD_DICTIONARY:
                number, frame = packed[:NUMBER_BYTES], packed[NUMBER_BYTES:]
                plaintext = _inflate(self._with(number), frame, raw_length)
            case _:
                raise Corrupt(f"A blob uses codec {codec}, which this release does not know.")
        if len(plaintext) != raw_length:
            raise Corrupt(f"A blob has {len(plaintext)} bytes instead of {raw_length}.")
        return plaintext

    def _with(self, number: bytes) -> zstandard.ZstdDecompressor:
        if (found := self._trained.get(number)) is None:
            trained = zstandard.ZstdCompressionDict(self._dictionary(number))
            try:
                found = zstandard.ZstdDecompressor(dict_data=trained)
            except zstandard.ZstdError as error:
                raise Corrupt(f"Dictionary {number.hex()} is not one: {error}.") from error
            self._trained[number] = found
        return found


def _inflate(zstd: zstandard.ZstdDecompressor, packed: bytes, raw_length: int) -> bytes:
    try:
        # The frame's own claim is checked first: the library allocates what the frame announces.
        if zstandard.frame_content_size(packed) != raw_length:
            raise Corrupt("A blob's compressed frame announces another length.")
        return zstd.decompress(packed, max_output_size=raw_length, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Corrupt(f"A blob does not decompress: {error}.") from error
