"""The list on a task's page: filters, keyset pages, counters.

A page costs the same whatever the size of the task. The counters of a small task read all of it, in one grouped
query; those of a large one are kept (`tallies`).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.http import QueryDict
from django.utils.http import urlencode

from apps.core import clock
from apps.core.keyset import page_of
from apps.core.typed import typed

from ..enums import Verdict
from ..holds import any_hold, on_hold
from ..models import BackupTask, Entity, EntityTag, Run, Tag, TaskTally
from .elsewhere import among_elsewhere
from .status import ACTIVE_WORDS, LIVE, Word, narrowed_to, word_expression, word_of
from .tags import tags_of
from .tallies import kept_groups, tallies_of

PAGE_SIZE = 50
LIMITED = "limited"
"""The built-in tag: entities with limited access (features TAG-02)."""
# Written as `IN`: Django turns `licensed=False` into `NOT licensed`, which no index answers.
LICENCES = {"licensed": Q(licensed__in=[True]), "unlicensed": Q(licensed__in=[False])}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader narrowed the list to. A page ignores unknown values in its address.

    An act on "all that match" does not (`matching_surely`): without them it would mean more than was asked for.
    Nor is a tag that is gone ignored.
    """

    text: str = ""
    status: str = ""
    licence: str = ""
    tag: str = ""
    garbled: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> "Filters":
        status, licence, tag = query.get("status", ""), query.get("licence", ""), query.get("tag", "")
        found = cls(
            text=typed(query),
            status=status if status in set(Word) else "",
            licence=licence if licence in LICENCES else "",
            tag=tag if tag == LIMITED else str(uuid_of(tag) or ""),
        )
        understood = (found.status, found.licence, bool(found.tag)) == (status, licence, bool(tag))
        return replace(found, garbled=not understood or "\0" in query.get("q", ""))

    @property
    def query(self) -> str:
        """The filters as the query string of an address, without the question mark."""
        pairs = {"q": self.text, "status": self.status, "licence": self.licence, "tag": self.tag}
        return urlencode({key: value for key, value in pairs.items() if value})

    def __bool__(self) -> bool:
        return bool(self.query)

    @property
    def rule(self) -> Q:
        """What stands in the rows themselves: all of it but the status, which is made of several facts."""
        rule = _text_rule(self.text) if self.text else Q()
        rule &= LICENCES.get(self.licence, Q())
        return rule & _tag_rule(self.tag) if self.tag else rule


@dataclass(frozen=True, slots=True)
class Row:
    """One entity as the list shows it. `progress` counts the items of the run in progress."""

    entity: Entity
    word: Word
    progress: str
    tags: list[Tag] = field(default_factory=list)
    held: bool = False
    elsewhere: bool = False  # not active here, because another task backs it up

    @property
    def key(self) -> str:
        """Names the row's cells in the page, where live answers find them."""
        return self.entity.public_id.hex

    @property
    def is_running(self) -> bool:
        return self.word in LIVE

    @property
    def status_label(self) -> str:
        return f"{self.word.label}, {self.progress}" if self.progress else ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and how to go on from it; a whole one holds all that match."""

    rows: list[Row]
    previous: str
    next: str
    is_whole: bool = False

    @property
    def is_live(self) -> bool:
        return any(row.word in LIVE for row in self.rows)

    @property
    def fingerprint(self) -> str:
        """Changes when other rows stand on the page, not when their figures move."""
        ids = [row.entity.public_id.hex[-8:] for row in self.rows]
        return f"{len(ids)}-{ids[0]}-{ids[-1]}" if ids else "0"


@dataclass(slots=True)
class Counters:
    """Totals of a task (STA-04), by word; `matching` is how many the filters let through."""

    by_word: dict[str, int] = field(default_factory=dict)
    total: int = 0
    licensed: int = 0
    matching: int = 0
    size: int = 0
    last_snapshot_at: datetime | None = None
    next_run_at: datetime | None = None

    def add(self, word: str, number: int, size: int, last: datetime | None, following: datetime | None) -> None:
        """Count a group of entities in."""
        self.by_word[word] = self.by_word.get(word, 0) + number
        self.total += number
        self.size += size
        self.last_snapshot_at = max(filter(None, (self.last_snapshot_at, last)), default=None)
        self.next_run_at = min(filter(None, (self.next_run_at, following)), default=None)

    def of(self, *words: Word) -> int:
        return sum(self.by_word.get(word, 0) for word in words)

    @property
    def active(self) -> int:
        return self.total - self.paused - self.archived - self.not_active - self.of(Word.DELETING)

    @property
    def paused(self) -> int:
        return self.of(Word.PAUSED)

    @property
    def archived(self) -> int:
        return self.of(Word.ARCHIVED)

    @property
    def not_active(self) -> int:
        return self.of(Word.NOT_ACTIVE)

    @property
    def next_is_due(self) -> bool:
        return self.next_run_at is not None and self.next_run_at <= clock.now()

    @property
    def word(self) -> Word:
        """The word of the whole: the worst of what is active; without any, why nothing is."""
        for word in Word:
            if word in ACTIVE_WORDS and self.by_word.get(word):
                return word
        return Word.PAUSED if self.paused else Word.NOT_ACTIVE


def matching(task: BackupTask, filters: Filters) -> QuerySet[Entity]:
    """Entities of the task that the filters let through."""
    entities = Entity.objects.filter(filters.rule, task=task)
    return narrowed_to(Word(filters.status), entities, clock.now()) if filters.status else entities


def matching_surely(task: BackupTask, filters: Filters) -> QuerySet[Entity]:
    """As `matching`, for acts: an address that is not understood whole finds nothing."""
    return Entity.objects.none() if filters.garbled else matching(task, filters)


def chosen(task: BackupTask, public_ids: list[str]) -> QuerySet[Entity]:
    """Those entities of the task; ids that are none, or belong to somebody else, find nothing."""
    wanted = [found for found in map(uuid_of, public_ids) if found is not None]
    return Entity.objects.filter(task=task, public_id__in=wanted)


def uuid_of(text: str | None) -> UUID | None:
    """The id in an address, or None for what is no id."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _text_rule(text: str) -> Q:
    return Q(name__icontains=text) | Q(address__icontains=text)


def _tag_rule(tag: str) -> Q:
    if tag == LIMITED:
        return Q(limited=True)
    return Q(pk__in=EntityTag.objects.filter(tag__public_id=tag).values("entity_id"))


def entity_page(task: BackupTask, filters: Filters, *, after: str = "", before: str = "") -> Page:
    """One page in the order of names: what follows `after`, or what precedes `before` (public ids)."""
    page = page_of(
        matching(task, filters),
        keys=("name", "id"),
        size=PAGE_SIZE,
        before=uuid_of(before),
        after=uuid_of(after),
    )
    return Page(
        rows=_rows(task, page.items, clock.now()),
        previous=str(page.previous or ""),
        next=str(page.following or ""),
        is_whole=not (after or before or page.following),
    )


def _rows(task: BackupTask, entities: list[Entity], now: datetime) -> list[Row]:
    words = {entity.pk: word_of(entity, now) for entity in entities}
    running = [pk for pk, word in words.items() if word is Word.IN_PROGRESS]
    progress = _progress(running) if running else {}
    tags, held = tags_of(words), on_hold(list(words)) if words and any_hold() else {}
    idle = [entity.remote_id for entity in entities if words[entity.pk] is Word.NOT_ACTIVE]
    elsewhere = among_elsewhere(task, idle)
    return [
        Row(
            entity=entity,
            word=words[entity.pk],
            progress=progress.get(entity.pk, ""),
            tags=tags.get(entity.pk, []),
            held=entity.pk in held,
            elsewhere=words[entity.pk] is Word.NOT_ACTIVE and entity.remote_id in elsewhere,
        )
        for entity in entities
    ]


def _progress(entity_ids: list[int]) -> dict[int, str]:
    runs = Run.objects.filter(entity_id__in=entity_ids, verdict=Verdict.RUNNING).order_by("started_at")
    return {run.entity_id: progress_words(run) for run in runs}


def progress_words(run: Run) -> str:
    """ "41 %" when the provider said how many items there are, else the items so far."""
    done = run.items_stored + run.items_reused + run.items_skipped + run.items_failed
    if run.items_expected:
        return f"{min(done * 100 // run.items_expected, 99)} %"
    return f"{done:,} items" if done else ""


def counters(task: BackupTask, filters: Filters, page: Page | None = None) -> Counters:
    """All totals of the page in one grouped query; of a large task as they were counted last (`tallies`).

    `page` is one of the same filters that was read already: a whole one tells how many match.
    """
    if task.pk in (kept := tallies_of([task])):
        return _kept_counters(task, filters, kept[task.pk], page)
    groups = (
        Entity.objects.filter(task=task)
        .annotate(word=word_expression(clock.now()))
        .values_list("word", "licensed")
        .annotate(
            number=Count("id"),
            matching=Count("id", filter=_rule(filters)),
            bytes=Sum("size"),
            last=Max("last_snapshot_at"),
            next=Min("next_run_at"),
        )
    )
    total = Counters()
    for word, licensed, number, fits, size, last, following in groups:
        total.add(word, number, size, last, following)
        total.licensed += number if licensed else 0
        total.matching += fits
    return total


def _kept_counters(task: BackupTask, filters: Filters, tally: TaskTally, page: Page | None) -> Counters:
    """Only a search for letters or a tag that finds more than a page reads the rows, to say how many."""
    total = Counters()
    wanted = {"licensed": True, "unlicensed": False}.get(filters.licence)
    for group in kept_groups(tally):
        total.add(group.word, group.number, group.size, group.last, group.following)
        total.licensed += group.number if group.licensed else 0
        if filters.status in ("", group.word) and (not filters.licence or group.licensed is wanted):
            total.matching += group.number
    if filters.text or filters.tag:
        found = page.rows if page and page.is_whole else None
        total.matching = matching(task, filters).count() if found is None else len(found)
    return total


def _rule(filters: Filters) -> Q | None:
    if not filters:
        return None
    return filters.rule & Q(word=filters.status) if filters.status else filters.rule
