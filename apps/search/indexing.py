"""One pass of an account's indexer. May be killed anywhere: what is published is whole, the rest is made again.

1. The generation that is published is unpacked; one that is missing or damaged is built from the beginning.
2. What has left goes, what is new comes, in a folder of our own.
3. New files become sealed objects.
4. One transaction, under the lease: generation, manifest, how far each entity is in, what has left.
5. Objects that nobody names any more go.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import F, QuerySet

from apps.core import clock
from apps.core.sight import whole_sight
from apps.vault.api import DerivedFolder, ObjectMissing, open_derived, open_reader

from . import cache
from .at_work import AtWork
from .dispatch import backups_wait
from .errors import IndexLeaseLost
from .extraction.files import FileReader
from .index.documents import Document
from .index.engine import IndexWriter
from .index.errors import IndexTrouble
from .index.schema import VERSION
from .leases import IndexLease, index_lease
from .models import Indexed, Removal, SearchIndex
from .objects import SealedFile, collect, files_in, named, seal_new
from .pulling import Puller, Stretch
from .rewriting import begin_rewriting, end_rewriting
from .selectors import waiting

PASS_SECONDS: Final = 25.0  # of adding: a worker that shuts down waits for the pass
SHORT_SECONDS: Final = 5.0  # the same while backups wait for workers
PASS_LETTERS: Final = 200_000_000
MOST_STRETCHES: Final = 2_000
MOST_REMOVALS: Final = 50_000
PULSE: Final = timedelta(seconds=60)


@dataclass(slots=True)
class Pass:
    """What a pass came to. `more`: something was left for the next one."""

    added: int = 0
    removed: int = 0
    more: bool = False
    busy: bool = False
    stretches: list[Stretch] = field(default_factory=list)


def index_account(account_id: int, *, seconds: float = PASS_SECONDS) -> Pass:
    """Bring the index of an account up to date, or nearer to it. In the account's scope.

    Raises VaultError, IndexTrouble, IndexLeaseLost: the next pass begins where this one did.
    """
    why = "everything is indexed; who may find it is asked when it is looked for"
    with whole_sight(why), index_lease(account_id) as lease:
        return Pass(busy=True) if lease is None else _Work(lease, seconds).run()


class _Work:
    def __init__(self, lease: IndexLease, seconds: float) -> None:
        self._lease, self._began, self._seconds = lease, time.monotonic(), seconds
        self._row = SearchIndex.objects.get(account_id=lease.account_id)
        self._done = Pass()
        self._pulsed = clock.now()
        self._at_work = AtWork(self._row.at_work, self._keep)

    def run(self) -> Pass:
        account_id = self._lease.account_id
        derived = open_derived(account_id, write=True, pulse=self._pulse)
        begin_rewriting(self._lease, Removal.objects.count() > MOST_REMOVALS)
        self._row.refresh_from_db()
        known = {file.name: file for file in files_in(self._row.manifest)}
        source = self._published(derived, known)
        if source is None:
            known = {}
        moved = bool(known) and self._row.store_id != derived.store_row
        # Oldest first, so that nothing waits long; at times any, so that nothing that takes its passes whole,
        # or ends them, holds up all the others.
        order = ("committed_at", "pk") if secrets.randbelow(2) else ("?",)
        # In this order: what is begun anew between the two leaves now and is brought in by the next pass.
        rows = list(waiting().select_related(None).order_by(*order)[:MOST_STRETCHES])
        removals = list(Removal.objects.order_by("pk")[:MOST_REMOVALS])
        if not rows and not removals and not moved:
            if self._row.rewriting and not end_rewriting(self._lease, derived):
                with self._lease.guard():
                    begin_anew(account_id)
                self._done.more = True
            return self._done
        with cache.working_folder(account_id, source) as work:
            paths, puller = self._write(work, removals, rows)
            files = seal_new(derived, paths, {} if moved else known, source)
            self._publish(derived, files, removals, puller)
            for path in set(work.iterdir()) - set(paths):
                path.unlink()
            cache.adopt(account_id, self._row.generation, work)
        collect(derived, named(files) | set(self._row.former))
        # A store that is away is asked again by the next beat, not at once.
        more = self._row.rewriting > 0 or waiting().exists() or len(removals) == MOST_REMOVALS
        self._done.more |= more and not puller.away
        return self._done

    def _published(self, derived: DerivedFolder, known: dict[str, SealedFile]) -> Path | None:
        """Return the folder of the generation that is published; None when there is none to go on with."""
        if known and self._row.layout == VERSION:
            try:
                return cache.open_generation(derived, self._row.generation, list(known.values()))
            except (IndexTrouble, ObjectMissing):
                cache.forget(self._lease.account_id)
        with self._lease.guard():
            begin_anew(self._lease.account_id)
        self._row.refresh_from_db()
        return None

    def _write(self, work: Path, removals: list[Removal], rows: list[Indexed]) -> tuple[list[Path], Puller]:
        """Entities leave before anything comes, so that one switched on again stays; versions go last."""
        with FileReader() as reader, IndexWriter(work) as writer:
            vault = open_reader(self._lease.account_id)
            puller = Puller(vault, reader, at_work=self._at_work, pulse=self._pulse)
            writer.remove_entities({row.entity_id for row in removals if row.version_id is None})
            for row in rows:
                stretch = Stretch.of(row)
                self._done.stretches.append(stretch)
                self._done.added += writer.add(self._documents(puller, stretch), refused=puller.not_read)
                if self._enough(puller):
                    break
            self._at_work.rest()
            writer.remove_versions([row.version_id for row in removals if row.version_id is not None])
            self._done.removed = len(removals)
            self._lease.renew()
            paths = writer.commit()
        return paths, puller

    def _documents(self, puller: Puller, stretch: Stretch) -> Iterator[Document]:
        return puller.documents(stretch, lambda: self._enough(puller))

    def _enough(self, puller: Puller) -> bool:
        took = time.monotonic() - self._began
        if took > self._seconds or puller.letters > PASS_LETTERS:
            return True
        return took > SHORT_SECONDS and backups_wait(often=False)

    def _keep(self, said: dict[str, Any]) -> None:
        self._lease.renew(at_work=said)
        self._pulsed = clock.now()

    def _pulse(self) -> None:
        if clock.now() - self._pulsed > PULSE:
            self._lease.renew()
            self._pulsed = clock.now()

    def _publish(
        self, derived: DerivedFolder, files: list[SealedFile], removals: list[Removal], puller: Puller
    ) -> None:
        before, now = self._row, clock.now()
        changes = {
            "generation": before.generation + 1,
            "manifest": [file.said() for file in files],
            "former": sorted(named(files_in(before.manifest))),
            "store_id": derived.store_row,
            "layout": VERSION,
            "trouble": puller.trouble.added_to(before.trouble),
            "changed_at": now,
            "last_error": puller.away[:500],
        }
        with transaction.atomic():
            fresh = SearchIndex.objects.filter(pk=before.pk, generation=before.generation)
            if not fresh.exists():
                raise IndexLeaseLost("The index of this account was begun anew meanwhile.")
            self._lease.renew(**changes)
            for stretch in self._done.stretches:
                _note(stretch)
            ids = [row.pk for row in removals]
            for start in range(0, len(ids), 500):
                Removal.objects.filter(pk__in=ids[start : start + 500]).delete()
        for name, value in changes.items():
            setattr(before, name, value)


def begin_anew(account_id: int) -> None:
    """Let the next pass build the index from its beginning. Its objects go after the next was published."""
    index = SearchIndex.objects.select_for_update().get(account_id=account_id)
    index.former = sorted({*index.former, *named(files_in(index.manifest))})
    index.manifest, index.trouble, index.generation = [], {}, index.generation + 1
    index.save(update_fields=["former", "manifest", "trouble", "generation"])
    from_the_start(Indexed.objects.filter(account_id=account_id))


def from_the_start(rows: "QuerySet[Indexed]", **changes: Any) -> None:
    """Let kinds of data be brought in from their first snapshot on, also what a pass is bringing in now."""
    rows.update(up_to=0, target=0, after=0, revision=F("revision") + 1, **changes)


def _note(stretch: Stretch) -> None:
    """Move the marker, unless somebody began this anew meanwhile: then it is all brought once more."""
    row = stretch.row
    same = Indexed.objects.filter(pk=row.pk, revision=row.revision)
    if stretch.done:
        same.update(up_to=stretch.target, target=0, after=0)
    else:
        same.update(target=stretch.target, after=stretch.after)
