"""Moving what is left of thin packs, and small packs, into new ones (V13); retiring what is empty.

No blob changes: it is decrypted, checked against its name, and encrypted as it is under the new pack's key.
Content lists and journals name blobs, not places, so they stay valid. Killed anywhere, the next round goes on:
a pack that was not recorded is an orphan, one that was moved in part is thinner.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from django.db import transaction

from apps.core import clock

from ..enums import PackState
from ..erased import packs_to_empty
from ..errors import BlobError, Corrupt
from ..health.rows import Rows
from ..models import Pack
from ..services import open_vault
from ..store.errors import ObjectMissing
from ..store.inspect import read_pack_index
from ..store.pack import TARGET_PACK_BYTES, Kind, Location, PackBuilder, frame_bytes, pack_key
from ..vaults import OpenVault
from . import rows
from .rules import MERGE_FROM, REWRITE_BELOW, SETTLED, SMALL_PACK
from .work import Work

WINDOW_BYTES: Final = 8 * 1024 * 1024  # of plaintext read at once


def rewrite(work: Work, live_bytes: dict[int, int], *, pack_bytes: int = TARGET_PACK_BYTES) -> None:
    """Retire packs that hold nothing; empty those that are thin or small, and retire them too.

    `live_bytes` are the stored bytes that places hold in each pack (by row). Packs of the last day are left
    alone. Memory: one pack and one window. Raises StoreError, VaultBusy.
    """
    empty, thin = _choose(work, live_bytes)
    for pack in empty:
        work.beat()
        inside = _inside(work, pack)
        # A writer may have taken a mark off since (V10): then the pack is not empty.
        _retire(work, pack, _by_rows(work, pack) if inside is None else inside)
    for shelf, packs in groupby(thin, key=lambda pack: pack.shelf):
        mover = _Mover(work, open_vault(account_id=work.account_id, shelf=shelf), pack_bytes)
        for pack in packs:
            work.beat()
            mover.take(pack)
        mover.finish()


def _choose(work: Work, live_bytes: dict[int, int]) -> tuple[list[Pack], list[Pack]]:
    settled = Pack.objects.filter(state=PackState.STORED, created_at__lt=clock.now() - SETTLED)
    empty, thin, asked = [], [], packs_to_empty(work.account_id)
    must: list[Pack] = []
    small: dict[int, list[Pack]] = {}  # by shelf
    for pack in settled.order_by("pk").iterator():
        live = live_bytes.get(pack.pk, 0)
        if not live:
            empty.append(pack)
        elif pack.pk in asked:
            must.append(pack)
        elif pack.needs_rewrite or live < _thin(pack):
            thin.append(pack)
        elif pack.size < SMALL_PACK:
            small.setdefault(pack.shelf, []).append(pack)
    for packs in small.values():
        if len(packs) >= MERGE_FROM:
            thin += packs
    # Also a locked one: in use, its lock is prolonged, and what was erased would never leave it.
    return empty, sorted([*must, *_unlocked(work, thin)], key=lambda pack: (pack.shelf, pack.pk))


def _thin(pack: Pack) -> float:
    return REWRITE_BELOW * (pack.size - frame_bytes(pack.blobs))


def _unlocked(work: Work, packs: Sequence[Pack]) -> Iterator[Pack]:
    """Leave out packs that Object Lock protects: the old one would have to stay beside the new."""
    locks = work.vault.store.describe().lock is not None
    for pack in packs:
        try:
            locked = locks and work.vault.store.locked_until(pack_key(bytes(pack.pack_id))) is not None
        except ObjectMissing:
            locked = False
        if locked:
            work.count(locked=1)
        else:
            yield pack


def _inside(work: Work, pack: Pack) -> list[tuple[bytes, Location]] | None:
    """Return what a pack says that it holds, None when it is damaged or gone."""
    try:
        return read_pack_index(work.vault.store, work.vault.keys, bytes(pack.pack_id))
    except (Corrupt, ObjectMissing):
        return None


def _by_rows(work: Work, pack: Pack) -> list[tuple[bytes, Location]]:
    """Return what the rows place in a pack that does not say what it holds. Reads every row of the account."""
    return list(Rows(work.account_id).in_packs([pack.pk]))


def _retire(work: Work, pack: Pack, inside: Sequence[tuple[bytes, Location]]) -> bool:
    """Take a pack out of use when no place is in it; its object waits out the quarantine (V14)."""
    with work.lease.guard(), transaction.atomic():
        retired = Pack.objects.filter(pk=pack.pk, state=PackState.STORED).update(
            state=PackState.RETIRED, state_at=clock.now()
        )
        if not retired or rows.still_in(work.account_id, pack.pk, [blob_id for blob_id, _ in inside]):
            transaction.set_rollback(True)
            return False
    return True


@dataclass(slots=True)
class _Source:
    """A pack that is being emptied."""

    pack: Pack
    inside: list[tuple[bytes, Location]]


@dataclass(slots=True)
class _Mover:
    """Fills new packs with the blobs of old ones of one shelf."""

    work: Work
    vault: OpenVault
    pack_bytes: int
    _builder: PackBuilder | None = None
    _moves: list[tuple[bytes, int, int, Location]] = field(default_factory=list)
    _emptied: list[_Source] = field(default_factory=list)
    _has_dictionary: bool = False

    def take(self, pack: Pack) -> None:
        """Move all that is in a pack. One with a damaged blob stays for the repair, and is counted.

        Where the pack's own list is damaged, the rows say what is in it: they are read all, once for each.
        """
        inside = None if pack.needs_rewrite else _inside(self.work, pack)
        if inside is None:
            inside = _by_rows(self.work, pack)
        here = rows.still_in(self.work.account_id, pack.pk, [blob_id for blob_id, _ in inside])
        try:
            for blob_id, at, packed in self._read({b: at for b, at in inside if b in here}):
                self._add(blob_id, at, packed, pack.pk)
        except (BlobError, Corrupt):
            self.work.count(damaged=1)
            return
        if here:
            self._emptied.append(_Source(pack, inside))
        else:
            self.work.count(damaged=1)  # its places say that it holds something, its list does not

    def finish(self) -> None:
        """Store and record the last pack."""
        if self._builder is not None:
            self._seal()

    def _read(self, places: dict[bytes, Location]) -> Iterator[tuple[bytes, Location, bytes]]:
        reader = self.vault.reader()
        for window in _windows(places):
            packed = reader.load_packed(window)
            for blob_id, at in window.items():
                yield blob_id, at, packed[blob_id]

    def _add(self, blob_id: bytes, at: Location, packed: bytes, from_pack: int) -> None:
        is_dictionary = at.kind == Kind.DICTIONARY
        if self._builder is not None and is_dictionary and self._has_dictionary:
            self._seal()  # two copies of one dictionary must never come to lie in the same pack
        if self._builder is None:
            self._builder = PackBuilder(self.vault.keys)
        new = self._builder.add(blob_id, at.codec, packed, at.raw_length, at.kind)
        self._moves.append((blob_id, from_pack, at.offset, new))
        self._has_dictionary |= is_dictionary
        if len(self._builder) >= self.pack_bytes:
            self._seal()

    def _seal(self) -> None:
        """V13: first the new pack, durable; then its row and all changes of place; then the old ones retire."""
        assert self._builder is not None
        sealed, work = self._builder.seal(), self.work
        work.beat()
        self.vault.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)
        with work.lease.guard():
            row = Pack.objects.create(
                account_id=work.account_id,
                pack_id=sealed.pack_id,
                store_id=self.vault.store_row,
                shelf=self.vault.shelf,
                size=len(sealed.data),
                blobs=len(sealed.blobs),
                version=sealed.format.version,
                features=sealed.format.features,
            )
            rows.move(work.account_id, row.pk, self._moves)
        self._builder, self._moves, self._has_dictionary = None, [], False
        for source in self._emptied:
            if _retire(work, source.pack, source.inside):
                work.count(rewritten=1, rewritten_bytes=source.pack.size)
        self._emptied = []


def _windows(places: dict[bytes, Location]) -> Iterator[dict[bytes, Location]]:
    """Cut the blobs of a pack, in the order of their places, into amounts that memory bears."""
    window: dict[bytes, Location] = {}
    size = 0
    for blob_id, at in sorted(places.items(), key=lambda place: place[1].offset):
        if window and size + at.raw_length > WINDOW_BYTES:
            yield window
            window, size = {}, 0
        window[blob_id] = at
        size += at.raw_length
    if window:
        yield window
