"""What a pass brings into the index: versions that began or ended since the last one, as documents.

A version that ended is brought anew, with the day of its end; so is an earlier version of an item that came
back after it was gone, for now another one follows it.
"""

import logging
import time
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from apps.backups.models import Snapshot
from apps.backups.selectors.indexing import (
    Chain,
    VersionRow,
    changed_between,
    items_by_ids,
    lives,
    version_rows,
)
from apps.connectors.documents import props_of, read_document
from apps.connectors.enums import SubService
from apps.vault.api import (
    BlobCorrupt,
    BlobMissing,
    ContentCorrupt,
    ContentPart,
    Role,
    VaultError,
    VaultReader,
    decode_content,
)

from .at_work import NO_WORDS, NOT_AT_ALL, AtWork
from .extraction import items, mail
from .extraction.extracted import Cause, Extracted
from .extraction.files import LARGEST, FileReader
from .index.documents import Document
from .models import Indexed

log = logging.getLogger(__name__)
BATCH: Final = 500
LARGEST_MAIL: Final = 200_000_000
ITEM_SECONDS: Final = 60.0  # for the files of one item: the rest of them is found by their names
# What is wrong with an item itself; anything else is wrong with the store or its keys, and may pass.
DAMAGED: Final = (BlobCorrupt, BlobMissing, ContentCorrupt)
NAMED: Final = 20  # versions that are named by cause; the others are counted


@dataclass(slots=True)
class Trouble:
    """What had no text, or not all of it: how many by cause, and some of the versions."""

    counts: Counter[str] = field(default_factory=Counter)
    versions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, cause: Cause, version_id: int, many: int = 1) -> None:
        self.counts[cause.value] += many
        if len(self.versions[cause.value]) < NAMED:
            self.versions[cause.value].append(version_id)

    def added_to(self, said: dict[str, Any]) -> dict[str, Any]:
        """Return it together with what an index said before."""
        counts = Counter(said.get("counts", {})) + self.counts
        before = said.get("versions", {})
        names = {
            cause: [*self.versions.get(cause, ()), *before.get(cause, ())][:NAMED]
            for cause in {*before, *self.versions}
        }
        return {"counts": dict(counts), "versions": names}


@dataclass(slots=True)
class Stretch:
    """The snapshots of one kind of data that are brought in now, and how far that is."""

    row: Indexed
    target: int
    ids: "array[int]"
    after: int
    done: bool = False

    @classmethod
    def of(cls, row: Indexed) -> "Stretch":
        """Read which versions these are. One that was begun is gone on with up to where it was to go."""
        target = row.target or row.committed
        ids = changed_between(_chain(row), row.up_to, target, after=row.after)
        return cls(row, target, array("q", sorted(ids)), row.after)


class Puller:
    """Makes documents of versions. Holds a reader of the vault: keep it no longer than a pass."""

    def __init__(
        self, reader: VaultReader, files: FileReader, *, at_work: AtWork, pulse: Callable[[], None]
    ) -> None:
        self._reader, self._files, self._at_work, self._pulse = reader, files, at_work, pulse
        self.trouble = Trouble()
        self.letters = 0
        self.away = ""  # why the store of a stretch, or its keys, did not answer

    def documents(self, stretch: Stretch, enough: Callable[[], bool]) -> Iterator[Document]:
        """Yield documents until all are there, or it is `enough`; `stretch` then says how far this went.

        Where the store does not answer it ends too: `away` says why, and a later pass goes on from there.
        """
        try:
            yield from self._documents(stretch, enough)
        except VaultError as error:
            log.warning("search: the store of %s did not answer: %s", stretch.row, error)
            self.away = str(error)

    def _documents(self, stretch: Stretch, enough: Callable[[], bool]) -> Iterator[Document]:
        moments = _Moments(stretch)
        if not moments:  # every backup has gone since: so do their versions
            stretch.done = True
            return
        for start in range(0, len(stretch.ids), BATCH):
            for ids in self._at_work.pieces(stretch.row.pk, stretch.ids[start : start + BATCH]):
                for last, found in self._piece(stretch, moments, ids):
                    yield found
                    if last is None:
                        continue
                    # Per item: the files of one may take a minute.
                    stretch.after = last
                    self._at_work.passed(stretch.row.pk, last)
                    self._pulse()
                    if enough():
                        stretch.done = last == stretch.ids[-1]
                        return
                stretch.after = ids[-1]
                self._at_work.passed(stretch.row.pk, ids[-1])
        stretch.done = True

    def _piece(
        self, stretch: Stretch, moments: "_Moments", ids: list[int]
    ) -> Iterator[tuple[int | None, Document]]:
        """Bring in a batch, or less of an item the more passes died of it."""
        died = self._at_work.begin(stretch.row.pk, ids)
        if died >= NO_WORDS:
            self.trouble.note(Cause.DEADLY, ids[0])
        if died < NOT_AT_ALL:
            yield from self._batch(stretch, moments, ids, with_words=died < NO_WORDS)

    def _batch(
        self, stretch: Stretch, moments: "_Moments", ids: list[int], *, with_words: bool
    ) -> Iterator[tuple[int | None, Document]]:
        """Yield documents in the order of the ids, each after the earlier one of its item that is brought anew.

        With each comes how far that is, None with one that is only brought anew.
        """
        chain = _chain(stretch.row)
        rows = version_rows(chain, ids)
        known = _Lives(stretch, {row.remote_hash for row in rows})
        fresh = {row.remote_id for row in rows if row.first > stretch.row.up_to}
        again = defaultdict[str, list[VersionRow]](list)
        for row in version_rows(chain, known.left_before(fresh, stretch.row.up_to) - set(ids)):
            again[row.remote_id].append(row)
        ordered: list[tuple[int | None, VersionRow]] = []
        for row in rows:
            ordered += [(None, early) for early in again.pop(row.remote_id, ())]
            ordered.append((row.pk, row))
        self._reader.expect([part for _, row in ordered for part in _to_read(row)])
        for last, row in ordered:
            found = self._words(stretch.row.sub_service, row) if with_words else Extracted()
            document = _document(_Around(stretch, moments, known), row, found, self._texts(row.pk, found))
            yield last, document

    def _words(self, sub_service: str, row: VersionRow) -> Extracted:
        """Return the words of a version; what is damaged costs itself and is noted.

        Raises VaultError where the store did not answer: what is only away is not left out.
        """
        try:
            main, *files = _read(self._reader, row, self.trouble) or [b""]
        except DAMAGED:
            self.trouble.note(Cause.VAULT, row.pk)
            return Extracted()
        try:
            if sub_service == SubService.MAIL:
                return mail.read_mail(main)
            return items.read_document(read_document(main) if main else {}, _props(row), files)
        except Exception:  # whatever strangers wrote into an item must not end the search of an account
            self.not_read(row.pk)
            return Extracted()

    def not_read(self, version_id: int) -> None:
        """Note an item that could not be taken apart; called where its error is handled."""
        log.exception("version %s could not be read for search", version_id)
        self.trouble.note(Cause.ITEM, version_id)

    def _texts(self, version_id: int, found: Extracted) -> list[str]:
        texts, until = [], time.monotonic() + ITEM_SECONDS
        for number, file in enumerate(found.files):
            if time.monotonic() > until:
                self.trouble.note(Cause.TOO_LONG, version_id, len(found.files) - number)
                break
            try:
                texts += self._files.texts(file)
            except Exception:
                self.not_read(version_id)
            for cause, many in self._files.trouble.items():
                self.trouble.note(cause, version_id, many)
            self._files.trouble.clear()
        found.files.clear()
        self.letters += len(found.text) + sum(map(len, texts))
        return texts


class _Moments:
    """When the snapshots were taken. One that retention let go counts as the next that is left."""

    def __init__(self, stretch: Stretch) -> None:
        row = stretch.row
        own = Snapshot.objects.filter(entity_id=row.entity_id, sub_service=row.sub_service)
        found = list(own.order_by("number").values_list("number", "taken_at"))
        self._numbers, self._taken = [number for number, _ in found], [taken for _, taken in found]

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def at(self, number: int) -> datetime:
        place = min(bisect_left(self._numbers, number), len(self._numbers) - 1)
        return self._taken[place]


class _Lives:
    """All committed versions of the items of a batch, by remote id: (first, gone, id), in their order."""

    def __init__(self, stretch: Stretch, hashes: Collection[int]) -> None:
        self._lives: dict[str, list[tuple[int, int | None, int]]] = defaultdict(list)
        for remote_id, first, gone, pk in lives(_chain(stretch.row), hashes, stretch.target):
            self._lives[remote_id].append((first, gone, pk))

    def is_last(self, remote_id: str, first: int) -> bool:
        return not any(other > first for other, _, _ in self._lives[remote_id])

    def left_before(self, remote_ids: Collection[str], up_to: int) -> set[int]:
        """Return the versions of these items that are in the index as the last one of an item that was gone."""
        found = set()
        for remote_id in remote_ids:
            ended = [(gone, pk) for _, gone, pk in self._lives[remote_id] if gone is not None and gone <= up_to]
            if ended:
                found.add(max(ended)[1])
        return found


def _chain(row: Indexed) -> Chain:
    return Chain(row.account_id, row.entity_id, row.sub_service)


def _parts(row: VersionRow) -> tuple[ContentPart, ...]:
    return decode_content(row.content) if row.content else ()


def _to_read(row: VersionRow) -> list[ContentPart]:
    """Return the parts of an item that are read, the item itself first. One that is damaged says so later."""
    try:
        parts = _parts(row)
    except ContentCorrupt:
        return []
    main = [part for part in parts if part.role in (Role.MIME, Role.PROPS) and part.size <= LARGEST_MAIL]
    return main[:1] + [part for part in parts if part.role == Role.ATTACHMENT and part.size <= LARGEST]


def _read(reader: VaultReader, row: VersionRow, trouble: Trouble) -> list[bytes]:
    """Return the item's own bytes, then those of its files, b"" for one that is not looked into."""
    parts, wanted = _parts(row), _to_read(row)
    if parts and not any(part.role in (Role.MIME, Role.PROPS) for part in wanted):
        trouble.note(Cause.TOO_LARGE, row.pk)
        return []
    files = [part for part in parts if part.role == Role.ATTACHMENT]
    left_out = sum(part.size > LARGEST for part in files)
    if left_out:
        trouble.note(Cause.TOO_LARGE, row.pk, left_out)
    own = [reader.read(wanted[0])] if wanted else []
    return own + [reader.read(part) if part.size <= LARGEST else b"" for part in files]


def _props(row: VersionRow) -> dict[str, Any]:
    return props_of(row.props)


@dataclass(frozen=True, slots=True)
class _Around:
    """What a version is judged by besides itself."""

    stretch: Stretch
    moments: _Moments
    lives: _Lives


def _document(around: _Around, row: VersionRow, found: Extracted, texts: list[str]) -> Document:
    stretch, moments, lives = around.stretch, around.moments, around.lives
    gone = row.gone if row.gone is not None and row.gone <= stretch.target else None
    return Document(
        version_id=row.pk,
        entity_id=stretch.row.entity_id,
        sub_service=stretch.row.sub_service,
        item=row.remote_hash,
        parent=row.parent_hash or 0,
        name=row.name,
        first_at=moments.at(row.first),
        gone_at=None if gone is None else moments.at(gone),
        deleted=gone is not None and lives.is_last(row.remote_id, row.first),
        time=row.time,
        size=row.size,
        has_attachments=row.has_attachments,
        senders=found.senders or tuple(filter(None, (row.author,))),
        recipients=found.recipients or tuple(filter(None, (row.recipients,))),
        text=found.text,
        place=found.place,
        attachments=tuple(found.names),
        attachment_texts=tuple(texts),
    )


def named_trouble(account_id: int, said: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each cause, with some of the items behind it. For the operator: names are shown."""
    for cause, many in said.get("counts", {}).items():
        found = items_by_ids(account_id, said["versions"].get(cause, ()))
        names = ", ".join(f"{node.name!r}" for node in found.values())
        yield f"{cause}: {many:,}{', as in ' + names if names else ''}"
