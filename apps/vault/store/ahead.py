"""Blobs fetched together because they will be asked for one item after the other."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from .content import ContentPart
from .errors import BlobError


class Ahead:
    """The windows of a VaultReader that was told what comes next; one of them is held.

    Each costs one look-up and few requests instead of one of each per item. A window that cannot be had as a
    whole is given up: its items are then read one by one, so that only those fail that are damaged.
    """

    def __init__(self, fetch: Callable[[set[bytes]], Mapping[bytes, bytes]]) -> None:
        self._fetch = fetch
        self._windows: dict[bytes, set[bytes]] = {}  # by blobs that stand in no window before
        self._held: Mapping[bytes, bytes] = {}

    def expect(self, windows: Iterable[Sequence[ContentPart]]) -> None:
        """Forget what was expected before. A window of a single part is nothing to gain from."""
        self._windows, self._held = {}, {}
        for window in windows:
            if len(window) > 1:
                blobs = {blob for part in window for blob in part.blobs}
                for blob in blobs:
                    self._windows.setdefault(blob, blobs)

    def take(self, blob_ids: Sequence[bytes]) -> list[bytes] | None:
        """Return the blobs when they are held or come with the next window, else None. Raises StoreError."""
        if not all(blob_id in self._held for blob_id in blob_ids):
            window = self._windows.get(blob_ids[0])
            if window is None or not window.issuperset(blob_ids):
                return None
            self._held = {}  # before the next one comes, so that never two are held
            # Fetched once only: items that jump between windows must not fetch them again and again.
            self._windows = {blob: other for blob, other in self._windows.items() if other is not window}
            try:
                self._held = self._fetch(window)
            except BlobError:
                return None
        return [self._held[blob_id] for blob_id in blob_ids]
