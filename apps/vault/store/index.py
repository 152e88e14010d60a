"""Where blobs lie, as the writer and the reader see it. The portal keeps it in the database."""

from collections.abc import Collection
from typing import Protocol

from .pack import FoundPack, Kind, Location, SealedPack


class BlobIndex(Protocol):
    """The index of one vault's blobs."""

    def known(self, blob_ids: Collection[bytes]) -> set[bytes]:
        """Return those of `blob_ids` that are recorded: durable and safe to reference."""

    def locate(self, blob_ids: Collection[bytes]) -> dict[bytes, Location]:
        """Return the places of those of `blob_ids` that are recorded."""

    def dictionaries(self) -> list[bytes]:
        """Return the blob ids of all recorded dictionaries (kind 2), oldest first."""

    def record(self, pack: SealedPack | FoundPack) -> None:
        """Record a pack that is durable, with all its blobs, at once or not at all.

        Doing it twice is harmless. A blob that is recorded already stays where it is.
        """


class MemoryIndex:
    """An index that lives as long as the process: for tests and for reading a vault without a database."""

    def __init__(self) -> None:
        self.places: dict[bytes, Location] = {}

    def known(self, blob_ids: Collection[bytes]) -> set[bytes]:
        return {blob_id for blob_id in blob_ids if blob_id in self.places}

    def locate(self, blob_ids: Collection[bytes]) -> dict[bytes, Location]:
        return {blob_id: self.places[blob_id] for blob_id in blob_ids if blob_id in self.places}

    def dictionaries(self) -> list[bytes]:
        return [blob_id for blob_id, at in self.places.items() if at.kind == Kind.DICTIONARY]

    def record(self, pack: SealedPack | FoundPack) -> None:
        for blob_id, location in pack.blobs:
            self.places.setdefault(blob_id, location)
