"""Lines of the usage report, read in batches: memory does not grow with the account."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q, Sum

from apps.connectors.enums import Service
from apps.core import clock
from apps.core.keyset import page_of

from ..enums import EntityState, GapCause
from ..models import BackupTask, CoverageGap, Entity
from ..selectors import Word, has_licences, tags_of, word_of

BATCH = 500
HEADER = (
    "Task", "Service", "Name", "E-mail", "Type", "Status", "Last result", "Licence", "Limited access", "Tags",
    "Items", "Size in bytes", "First backup (UTC)", "Last good backup (UTC)", "Covered", "Not covered because",
    "Open gaps", "Open since (UTC)", "Acknowledged gaps", "Left out by rule",
)  # fmt: skip
STATES = {
    EntityState.NOT_ACTIVE: "inactive",
    EntityState.ACTIVE: "active",
    EntityState.PAUSED: "paused",
    EntityState.ARCHIVED: "archived",
    EntityState.DELETING: "being deleted",
}
LICENCES = {True: "licensed", False: "unlicensed", None: "unknown"}
WHY_NOT = {
    EntityState.NOT_ACTIVE: "Not active: nothing is backed up",
    EntityState.PAUSED: "Paused: stays as of the last good backup",
    EntityState.ARCHIVED: "Gone at the source: stays as of the last good backup",
    EntityState.DELETING: "Somebody ordered that it be deleted",
}


@dataclass(slots=True)
class GapWords:
    """What an entity's backup does not cover, in items by cause. `ruled`: what a rule leaves out."""

    open: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    ruled: dict[str, int] = field(default_factory=dict)
    since: datetime | None = None


def usage_rows(enter: Callable[[], AbstractContextManager[None]]) -> Iterator[Sequence[object]]:
    """Yield a line for each entity that the actor sees, task by task in the order of names.

    `enter` enters account and actor for one batch at a time (`core.streams`).
    """
    with enter():
        tasks = list(BackupTask.objects.order_by("name", "id"))
    for task in tasks:
        after: UUID | None = None
        while True:
            with enter():
                page = page_of(Entity.objects.filter(task=task), keys=("name", "id"), size=BATCH, after=after)
                lines = list(_lines(task, page.items))
            yield from lines
            after = page.following
            if after is None:
                break


def _lines(task: BackupTask, entities: list[Entity]) -> Iterator[Sequence[object]]:
    ids = [entity.pk for entity in entities]
    tags, gaps, now = tags_of(ids), gaps_of(ids), clock.now()
    for entity in entities:
        found = gaps.get(entity.pk, GapWords())
        word = settled_word(entity, now)
        why_not = _why_not(entity, word, found)
        yield (
            task.name,
            Service(task.service).label,
            entity.name,
            entity.address,
            entity.get_kind_display(),
            STATES[EntityState(entity.state)],
            word.label,
            LICENCES[entity.licensed] if has_licences(task.service) else "",
            "yes" if entity.limited else "no",
            "; ".join(tag.name for tag in tags.get(entity.pk, [])),
            entity.items,
            entity.size,
            moment_cell(entity.first_snapshot_at),
            moment_cell(entity.last_snapshot_at),
            "no" if why_not else _covered(found),
            why_not,
            cause_words(found.open),
            moment_cell(found.since),
            cause_words(found.known),
            cause_words(found.ruled),
        )


def _covered(gaps: GapWords) -> str:
    but = [
        *(["acknowledged gaps"] if gaps.known else []),
        *(["what a rule leaves out"] if gaps.ruled else []),
    ]
    return f"except {' and '.join(but)}" if but else "yes"


def settled_word(entity: Entity, now: datetime) -> Word:
    """The entity's word as if nothing were running: a report tells how what is kept stands."""
    still = copy(entity)
    still.lease_owner, still.next_run_at = "", None
    return word_of(still, now)


def _why_not(entity: Entity, word: Word, gaps: GapWords) -> str:
    if entity.state != EntityState.ACTIVE:
        return WHY_NOT[EntityState(entity.state)]
    if entity.last_snapshot_at is None:
        return entity.last_message or "No backup yet"
    if word is Word.OVERDUE:
        return "The last good backup is too old"
    if gaps.open:
        return "Open gaps"
    return "" if word is Word.SUCCESS else entity.last_message or f"The last run: {word.label.lower()}"


def gaps_of(entity_ids: list[int]) -> dict[int, GapWords]:
    """Gaps of these entities in one query; limits of the provider are none of them."""
    rows = (
        CoverageGap.objects.filter(Q(by_default=False) | Q(cause=GapCause.EXCLUDED), entity_id__in=entity_ids)
        .values("entity_id", "cause")
        .annotate(
            open=Sum("count", filter=Q(acknowledged_at=None)),
            known=Sum("count", filter=Q(acknowledged_at__isnull=False)),
            since=Min("found_at", filter=Q(acknowledged_at=None)),
            kinds=Count("pk", filter=~Q(what="")),
        )
        .order_by("entity_id", "cause")
    )
    found: dict[int, GapWords] = {}
    for row in rows:
        gaps, cause = found.setdefault(row["entity_id"], GapWords()), GapCause(row["cause"]).label
        if row["cause"] == GapCause.EXCLUDED:
            # Only the gap of a whole kind of data says what happened; it counts as one.
            said = {"Items": (row["known"] or 0) - row["kinds"], "whole kinds of data": row["kinds"]}
            gaps.ruled = {words: number for words, number in said.items() if number}
            continue
        if row["open"]:
            gaps.open[cause] = row["open"]
            gaps.since = min(filter(None, (gaps.since, row["since"])))
        if row["known"]:
            gaps.known[cause] = row["known"]
    return found


def cause_words(causes: dict[str, int]) -> str:
    return "; ".join(f"{cause}: {number}" for cause, number in causes.items())


def moment_cell(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
