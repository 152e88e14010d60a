"""Taking items out of a vault, each blob checked against its own name before a byte of it is handed out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from .ahead import Ahead
from .backends.base import ObjectStore
from .codec import Decompressor
from .content import ContentPart
from .dictionary import number_of, parse_dictionary
from .errors import BlobCorrupt, BlobError, BlobMissing, Corrupt, ObjectMissing, ObjectTruncated, StoreError
from .index import BlobIndex
from .keys import VaultKeys
from .mirror import copies_of
from .pack import Location, PackOpener, pack_key
from .recipe import rebuild

WINDOW_BLOBS: Final = 256
WINDOW_BYTES: Final = 16 * 1024 * 1024
MAX_GAP: Final = 64 * 1024  # reading over a gap is cheaper than asking twice
MAX_RANGE: Final = 8 * 1024 * 1024

_Place = tuple[bytes, Location]


class VaultReader:
    """Reads parts by what the catalog says of them. Not to be shared between threads.

    Memory: the asked part, or one window of about WINDOW_BYTES for `read_many` and `stream`, and one more for
    what was expected.
    """

    def __init__(self, keys: VaultKeys, store: ObjectStore, index: BlobIndex) -> None:
        self._keys, self._store, self._index = keys, store, index
        self._decompressor = Decompressor(self._dictionary)
        self._ahead = Ahead(self._fetch)

    def expect(self, parts: Sequence[ContentPart]) -> None:
        """Say which parts will be read next, roughly in this order: they then come in windows, not one by one.

        A hint: others may be read meanwhile, and these need not be. Nothing is fetched yet.
        """
        self._ahead.expect(_windows(parts))

    def read(self, part: ContentPart) -> bytes:
        """Return a part's bytes. Raises BlobMissing, BlobCorrupt, StoreError."""
        return b"".join(self.stream(part))

    def stream(self, part: ContentPart) -> Iterator[bytes]:
        """Yield a part's bytes piece by piece. Raises as `read` does, at the piece that is bad."""
        return _whole(part, self._stored(part.blobs))

    def read_many(self, parts: Sequence[ContentPart]) -> Iterator[bytes]:
        """Yield the bytes of each part in order, with few requests to the store. Raises as `read` does."""
        for group in _windows(parts):
            if len(group) == 1:
                yield self.read(group[0])
                continue
            found = self._fetch({blob for part in group for blob in part.blobs})
            for part in group:
                yield b"".join(_whole(part, (found[blob] for blob in part.blobs)))

    def _stored(self, blob_ids: Sequence[bytes]) -> Iterator[bytes]:
        if blob_ids and (held := self._ahead.take(blob_ids)) is not None:
            yield from held
            return
        for start in range(0, len(blob_ids), WINDOW_BLOBS):
            yield from self._blobs(blob_ids[start : start + WINDOW_BLOBS])

    def _blobs(self, blob_ids: Sequence[bytes]) -> Iterator[bytes]:
        """Yield blobs in order, holding no more than WINDOW_BYTES of them at once."""
        places = self._locate(set(blob_ids))
        start = 0
        while start < len(blob_ids):
            end, weight = start, 0
            while end < len(blob_ids) and (end == start or weight < WINDOW_BYTES):
                weight += places[blob_ids[end]].raw_length
                end += 1
            found = self.load({blob_id: places[blob_id] for blob_id in blob_ids[start:end]})
            yield from (found[blob_id] for blob_id in blob_ids[start:end])
            start = end

    def _fetch(self, blob_ids: set[bytes]) -> dict[bytes, bytes]:
        return self.load(self._locate(blob_ids))

    def _locate(self, blob_ids: set[bytes]) -> dict[bytes, Location]:
        places = self._index.locate(blob_ids)
        if missing := blob_ids - places.keys():
            lost = min(missing)
            raise BlobMissing(f"The vault has no record of blob {lost.hex()}.", blob_id=lost)
        return places

    def load(self, places: Mapping[bytes, Location]) -> dict[bytes, bytes]:
        """Return blobs by id, read pack by pack, neighbours in one request. Memory: all of them.

        Raises as `read` does.
        """
        return {blob_id: plaintext for blob_id, _, plaintext in self._verified(places)}

    def load_packed(self, places: Mapping[bytes, Location]) -> dict[bytes, bytes]:
        """Return blobs as they were before encryption, each verified as `load` does: for moving them (V13)."""
        return {blob_id: packed for blob_id, packed, _ in self._verified(places)}

    def _verified(self, places: Mapping[bytes, Location]) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield id, packed bytes and plaintext."""
        in_order = sorted(places.items(), key=lambda place: (place[1].pack_id, place[1].offset))
        for pack_id, blobs in groupby(in_order, key=lambda place: place[1].pack_id):
            opener: PackOpener | None = None
            for stretch in _stretches(blobs):
                opener = opener or self._opener(stretch[0])
                data, start = self._range(pack_id, stretch), stretch[0][1].offset
                for blob_id, at in stretch:
                    stored = data[at.offset - start : at.offset - start + at.stored_length]
                    yield blob_id, *self._open_any(opener, blob_id, at, stored)

    def _open_any(
        self, opener: PackOpener, blob_id: bytes, at: Location, stored: memoryview
    ) -> tuple[bytes, bytes]:
        """Open a blob; where the bytes at hand are bad and the pack lies in several stores, from another."""
        try:
            return self._open(opener, blob_id, at, stored)
        except BlobCorrupt:
            copies = copies_of(self._store, pack_key(at.pack_id))
            for copy in copies if len(copies) > 1 else ():
                try:
                    other = copy.get_range(pack_key(at.pack_id), at.offset, at.stored_length)
                    return self._open(opener, blob_id, at, memoryview(other))
                except (StoreError, BlobCorrupt):
                    continue
            raise

    def _range(self, pack_id: bytes, stretch: Sequence[_Place]) -> memoryview:
        blob_id, first = stretch[0]
        last = stretch[-1][1]
        length = last.offset + last.stored_length - first.offset
        try:
            return memoryview(self._store.get_range(pack_key(pack_id), first.offset, length))
        except (ObjectMissing, ObjectTruncated) as error:
            raise BlobMissing(
                f"Pack {pack_id.hex()} is missing or cut: {error.what} Blob {blob_id.hex()} cannot be read.",
                blob_id=blob_id,
                pack_id=pack_id,
            ) from error

    def _opener(self, place: _Place) -> PackOpener:
        blob_id, at = place
        try:
            return PackOpener(self._keys, at.pack_id, at.format)
        except Corrupt as error:
            raise BlobCorrupt(error.what, blob_id=blob_id, pack_id=at.pack_id) from error

    def _dictionary(self, number: bytes) -> bytes:
        """Return a dictionary's data: from its first copy, or when that is gone from any other."""
        trouble = f"The vault has no record of dictionary {number.hex()}."
        recorded = self._index.dictionaries()
        for blob_id in sorted(recorded, key=lambda blob_id: number_of(blob_id) != number):
            try:
                found = parse_dictionary(self._fetch({blob_id})[blob_id])
            except (BlobError, Corrupt) as error:
                trouble = f"Dictionary {number.hex()} cannot be read: {error.what}"
                continue
            if number in (found.copy_of, number_of(blob_id)):
                return found.data
        raise Corrupt(trouble)

    def _open(
        self, opener: PackOpener, blob_id: bytes, at: Location, stored: memoryview
    ) -> tuple[bytes, bytes]:
        try:  # V8: nothing leaves here unverified
            packed = opener.open(blob_id, at, stored)
            plaintext = self._decompressor.unpack(at.codec, packed, at.raw_length)
            if self._keys.blob_id(plaintext) != blob_id:
                raise Corrupt("The plaintext is not the one that its name says.")
        except Corrupt as error:
            raise BlobCorrupt(
                f"Blob {blob_id.hex()} in pack {at.pack_id.hex()} is corrupt: {error.what}",
                blob_id=blob_id,
                pack_id=at.pack_id,
            ) from error
        return packed, plaintext


def _whole(part: ContentPart, blobs: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a part's bytes from its blobs. Raises BlobCorrupt when they are not what the part says."""
    size = 0
    try:
        for piece in rebuild(part.recipe, blobs) if part.recipe else blobs:
            size += len(piece)
            yield piece
    except Corrupt as error:
        raise BlobCorrupt(error.what, blob_id=_first(part)) from error
    if size != part.size:
        raise BlobCorrupt(
            f"An item has {size} bytes in the vault instead of {part.size}.", blob_id=_first(part)
        )


def _stretches(places: Iterable[_Place]) -> Iterator[list[_Place]]:
    """Group places of one pack, in order, into ranges worth one request each."""
    stretch: list[_Place] = []
    for place in places:
        at = place[1]
        if stretch:
            last = stretch[-1][1]
            gap = at.offset - last.offset - last.stored_length
            length = at.offset + at.stored_length - stretch[0][1].offset
            if gap > MAX_GAP or length > MAX_RANGE:
                yield stretch
                stretch = []
        stretch.append(place)
    if stretch:
        yield stretch


def _windows(parts: Sequence[ContentPart]) -> Iterator[list[ContentPart]]:
    """Group parts so that a group is either small or a single part."""
    window: list[ContentPart] = []
    size = blobs = 0
    for part in parts:
        if window and (size + part.size > WINDOW_BYTES or blobs + len(part.blobs) > WINDOW_BLOBS):
            yield window
            window, size, blobs = [], 0, 0
        window.append(part)
        size, blobs = size + part.size, blobs + len(part.blobs)
    if window:
        yield window


def _first(part: ContentPart) -> bytes:
    return part.blobs[0] if part.blobs else b""
