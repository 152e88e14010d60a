"""Checking packs: is what the rows say there, and can it be read. Pure: knows rows only as a BlobIndex.

Two depths. *Structure* asks whether the object is there with the size of its row, and whether its own
authenticated index says the same as the rows: three small requests a pack. *Data* also decrypts, unpacks and
compares each blob with its name: every byte. Nothing is changed; who asked decides what becomes of a finding.
Codes and ways to repair: docs/check-and-repair.md.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final, Protocol, cast

from .backends.base import ObjectStore
from .errors import BlobError, ObjectMissing, PackCorrupt
from .index import BlobIndex
from .inspect import read_pack_index
from .keys import VaultKeys
from .pack import Location, pack_key
from .reader import VaultReader

WINDOW_STORED: Final = 8 * 1024 * 1024  # bytes of a pack read at once
WINDOW_RAW: Final = 16 * 1024 * 1024  # and what they may unpack to
_COMPARED: Final = 5  # fields of a Location that rows and index must agree on

Places = Mapping[bytes, Location]


class Code(StrEnum):
    """What a check can find. Stored and documented: never renamed."""

    PACK_MISSING = "pack_missing"
    PACK_SIZE = "pack_size"
    PACK_INDEX = "pack_index"
    ROWS_DISAGREE = "rows_disagree"
    PACK_RETIRED = "pack_retired"
    BLOB_CORRUPT = "blob_corrupt"
    BLOB_UNKNOWN = "blob_unknown"
    CONTENT_CORRUPT = "content_corrupt"
    ENVELOPE = "envelope"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. Ids are hexadecimal, "" where none applies; `what` says it in words."""

    code: Code
    what: str
    pack_id: str = ""
    blob_id: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the rows say of one pack. `places` are its blobs; None: learn them from the pack's own index.

    `store_row` names the store it lies in, where a vault has several.
    """

    pack_id: bytes
    size: int
    places: Places | None = None
    store_row: int = 0


@dataclass(slots=True)
class PackReport:
    """What the check of one pack came to. `blobs` have a row that names this pack; `stored` counts their bytes.

    `read_by_rows` is false when the places of the blobs could not be learnt: then none was looked at.
    """

    pack_id: bytes
    blobs: int = 0
    stored: int = 0
    read_by_rows: bool = True
    findings: list[Finding] = field(default_factory=list)

    def add(self, code: Code, what: str, blob_id: bytes = b"") -> None:
        self.findings.append(Finding(code, what, self.pack_id.hex(), blob_id.hex()))


class Checker(Protocol):
    """What `check_packs` works with."""

    def check(self, claim: Claim, *, data: bool) -> PackReport: ...


Rows = Callable[[bytes, Collection[bytes]], dict[bytes, Location]]
"""Pack id, blob ids → those of the blobs that rows place in that pack, and where."""


class PackChecker:
    """Checks packs of one store, one after the other. Memory: a pack's index and two windows. For one thread.

    `everything` is where dictionaries are read, when they may lie elsewhere than the pack that uses them.
    `rows` is asked what rows place in a pack; left out, the index is.
    """

    def __init__(
        self,
        keys: VaultKeys,
        store: ObjectStore,
        index: BlobIndex,
        *,
        everything: ObjectStore | None = None,
        rows: Rows | None = None,
    ) -> None:
        self._keys, self._store, self._index, self._rows = keys, store, index, rows or self._ask_index
        self._focus = _Focus(store, everything or store)
        self._reader = VaultReader(keys, cast(ObjectStore, self._focus), index)

    def check(self, claim: Claim, *, data: bool) -> PackReport:
        """Return what is wrong with a pack. Raises StoreError when the store cannot answer."""
        report = PackReport(claim.pack_id)
        self._focus.key = pack_key(claim.pack_id)
        if not self._is_there(claim, report):
            report.read_by_rows = False
            return report
        listed = self._listed(claim, report)
        places = claim.places if claim.places is not None else listed
        if places is None:
            report.read_by_rows = False
            return report
        report.blobs, report.stored = len(places), sum(at.stored_length for at in places.values())
        if data:
            self._read(places, report)
        return report

    def load(self, pack_id: bytes, places: Places) -> dict[bytes, bytes]:
        """Return blobs of one pack as this store has them. Raises BlobError, StoreError."""
        self._focus.key = pack_key(pack_id)
        return self._reader.load(places)

    def _ask_index(self, pack_id: bytes, blob_ids: Collection[bytes]) -> dict[bytes, Location]:
        rows = self._index.locate(blob_ids)
        return {blob_id: at for blob_id, at in rows.items() if at.pack_id == pack_id}

    def _is_there(self, claim: Claim, report: PackReport) -> bool:
        size = self._store.size(pack_key(claim.pack_id))
        if size is None:
            report.add(Code.PACK_MISSING, f"Pack {claim.pack_id.hex()} is not in the store.")
            return False
        if size != claim.size:
            report.add(Code.PACK_SIZE, f"Pack {claim.pack_id.hex()} has {size} bytes instead of {claim.size}.")
        return True

    def _listed(self, claim: Claim, report: PackReport) -> dict[bytes, Location] | None:
        """Return the blobs of the pack's own index whose rows name this pack, None when it cannot be read."""
        try:
            entries = read_pack_index(self._store, self._keys, claim.pack_id)
        except ObjectMissing:
            report.add(Code.PACK_MISSING, f"Pack {claim.pack_id.hex()} is not in the store.")
            return None
        except PackCorrupt as error:
            report.add(
                Code.PACK_INDEX, f"The list at the end of pack {claim.pack_id.hex()} is damaged: {error.what}"
            )
            return None
        rows = self._rows(claim.pack_id, {blob_id for blob_id, _ in entries})
        here: dict[bytes, Location] = {}
        for blob_id, place in entries:
            row = rows.get(blob_id)
            if row is None:
                continue  # V3: a spare copy, or one that nothing needs any more
            here[blob_id] = place
            if row[:_COMPARED] != place[:_COMPARED]:
                report.add(
                    Code.ROWS_DISAGREE,
                    f"The database looks for blob {blob_id.hex()} in the wrong place of pack "
                    f"{claim.pack_id.hex()}.",
                    blob_id,
                )
        return here

    def _read(self, places: Places, report: PackReport) -> None:
        for window in _windows(places):
            try:
                self._reader.load(window)
            except BlobError:
                for blob_id, place in window.items():
                    self._read_one(blob_id, place, report)

    def _read_one(self, blob_id: bytes, place: Location, report: PackReport) -> None:
        """Read a blob by itself. One that is bad is read once more: a fault on the way is no damage."""
        for last in (False, True):
            try:
                self._reader.load({blob_id: place})
            except BlobError as error:
                if last:
                    report.add(Code.BLOB_CORRUPT, error.what, blob_id)
            else:
                return


class _Focus:
    """Reads the pack under check from its own store, anything else (dictionaries) from wherever it lies."""

    def __init__(self, store: ObjectStore, everything: ObjectStore) -> None:
        self._store, self._everything, self.key = store, everything, ""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        store = self._store if key == self.key else self._everything
        return store.get_range(key, offset, length)


def check_packs(
    make: Callable[[], Checker], claims: Iterable[Claim], *, data: bool, processes: int = 1
) -> Iterator[PackReport]:
    """Yield a report per claim, in any order. Raises StoreError.

    With more than one process each calls `make` for itself, after the fork: it must not hand out connections
    that the parent has open. Claims are taken as they are needed, never all at once.
    """
    if processes <= 1:
        checker = make()
        for claim in claims:
            yield checker.check(claim, data=data)
        return
    waiting = iter(claims)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(make,)) as pool:
        ahead: deque[Future[PackReport]] = deque()
        try:
            while True:
                ahead.extend(
                    pool.submit(_check, claim, data) for claim in islice(waiting, 2 * processes - len(ahead))
                )
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


_checker: Checker | None = None


def _begin(make: Callable[[], Checker]) -> None:
    global _checker  # noqa: PLW0603 - one checker for the life of a child process
    _checker = make()


def _check(claim: Claim, data: bool) -> PackReport:
    assert _checker is not None
    return _checker.check(claim, data=data)


def _windows(places: Places) -> Iterator[dict[bytes, Location]]:
    """Cut the blobs of a pack, in the order of their places, into amounts that memory bears."""
    window: dict[bytes, Location] = {}
    stored = raw = 0
    for blob_id, at in sorted(places.items(), key=lambda place: place[1].offset):
        if window and (stored + at.stored_length > WINDOW_STORED or raw + at.raw_length > WINDOW_RAW):
            yield window
            window, stored, raw = {}, 0, 0
        window[blob_id] = at
        stored, raw = stored + at.stored_length, raw + at.raw_length
    if window:
        yield window
