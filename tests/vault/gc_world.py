"""A vault with a catalog that tests fill and empty by hand, and a clock that they turn: for gc."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.vault import references
from apps.vault.api import ContentPart, Role, encode_content, open_reader
from apps.vault.gc import collect
from apps.vault.models import BlobLocation, GcRound, Pack
from apps.vault.services import open_vault
from apps.vault.store.backends.base import ObjectStore
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.writer import VaultWriter

LATER = timedelta(days=4)  # more than any grace of gc


def noise(number: int, size: int = 2_000) -> bytes:
    """Return bytes that nothing compresses, always the same for a number."""
    return random.Random(number).randbytes(size)


@dataclass
class World:
    """`items` is the catalog: name → what was stored and where. `writers` are starts of runs at work."""

    account_id: int
    now: datetime = field(default_factory=clock.now)
    items: dict[str, tuple[bytes, ContentPart]] = field(default_factory=dict)
    writers: list[datetime] = field(default_factory=list)

    def contents(self, account_id: int) -> Iterator[list[bytes]]:
        if account_id == self.account_id:
            yield [encode_content([part]) for _, part in self.items.values()]

    def writers_gone(self, account_id: int, began_before: datetime) -> bool:
        return not any(start < began_before for start in self.writers)

    @contextmanager
    def today(self) -> Iterator[None]:
        with clock.travel(self.now), account_scope(self.account_id):
            yield

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)

    def writer(self, store: ObjectStore | None = None, pack_bytes: int = 25_000) -> VaultWriter:
        vault = open_vault(account_id=self.account_id)
        return VaultWriter(vault.keys, store or vault.store, vault.index, pack_bytes=pack_bytes)

    def back_up(self, *numbers: int, size: int = 2_000, pack_bytes: int = 25_000) -> None:
        """Store items "0", "1", ... in one run and reference them."""
        with self.today():
            writer = self.writer(pack_bytes=pack_bytes)
            data = [noise(number, size) for number in numbers]
            parts = writer.put_many([(Role.MIME, each) for each in data])
            writer.flush()
            Pack.objects.filter(created_at__gt=self.now).update(created_at=self.now)
        found = zip(numbers, data, parts, strict=True)
        self.items |= {str(number): (each, part) for number, each, part in found}

    def forget(self, *numbers: int) -> None:
        for number in numbers:
            del self.items[str(number)]

    def collect(self, **how: Any) -> GcRound:
        with self.today():
            done = collect(self.account_id, **how)
        assert done is not None
        return done

    def collect_all(self, *, forced: bool = False) -> GcRound:
        """Mark, wait, sweep, wait, empty the quarantine; returns the round that did it."""
        self.collect(now=True, forced=forced)
        self.pass_days(4)
        swept = self.collect()
        self.pass_days(4)
        self.collect()
        with self.today():
            swept.refresh_from_db()
        return swept

    def assert_whole(self) -> None:
        """All that the catalog names is readable; each place is right, in a pack in use."""
        data, parts = [d for d, _ in self.items.values()], [p for _, p in self.items.values()]
        assert list(open_reader(self.account_id).read_many(parts)) == data
        vault = open_vault(account_id=self.account_id)
        with self.today():
            packs = {row.pk: row for row in Pack.objects.all()}
        stored = {pack_id for pack_id, _ in list_packs(vault.store)}
        assert {bytes(row.pack_id) for row in packs.values() if row.state == 1} <= stored
        indexes: dict[int, dict[bytes, Any]] = {}
        for row in BlobLocation.objects.filter(account_id=self.account_id):
            pack = packs[row.pack_row]
            assert pack.state == 1, "a place in a pack that is on its way out"
            if pack.pk not in indexes:
                indexes[pack.pk] = dict(read_pack_index(vault.store, vault.keys, bytes(pack.pack_id)))
            assert indexes[pack.pk][bytes(row.blob_id)].offset == row.position

    def blobs(self) -> int:
        return BlobLocation.objects.filter(account_id=self.account_id).count()

    def objects(self) -> int:
        return len(list(list_packs(open_vault(account_id=self.account_id).store)))

    def stored_bytes(self) -> int:
        return sum(found.size for _, found in list_packs(open_vault(account_id=self.account_id).store))


@contextmanager
def world(account_id: int, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """Give a world whose catalog is the only one that gc asks."""
    made = World(account_id)
    patch.setattr(references, "_sources", {})
    references.register_references("test", contents=made.contents, writers_gone=made.writers_gone)
    yield made
