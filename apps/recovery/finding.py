"""What a search has found, taken over into selections: one for each backup that it comes back from."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from apps.backups.models import Entity, Snapshot
from apps.backups.selectors.points import Point, last_run, point_of
from apps.core.errors import InvalidRequest

from .kinds import kind_of
from .services import selection_change, selections_clear

POINTS_LIMIT = 200
_PICK = re.compile(r"(?P<backup>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}):(?P<item>[0-9a-f]{32})")
Pick = tuple[UUID, str]
"""A backup's public id and an item's key in it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of one backup of one mailbox."""

    point: Point
    words: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class TakenFrom:
    """One mailbox with the backups that its items come back from, the newest first."""

    entity: Entity
    parts: list[Taken]

    @property
    def erase_url(self) -> str:
        return erase_url(self)


def erase_url(taken: TakenFrom) -> str:
    """Return the address of the question before what was taken of a mailbox is erased."""
    query = urlencode([("point", part.point.run.public_id) for part in taken.parts])
    return f"{reverse('recovery_erase', args=[taken.entity.public_id])}?{query}"


def picks_in(values: Iterable[str]) -> list[Pick]:
    """Read `backup:item` as forms send it; what has another form is left out."""
    found = []
    for value in " ".join(values).split():
        if match := _PICK.fullmatch(value):
            found.append((UUID(match["backup"]), match["item"]))
    return list(dict.fromkeys(found))


@transaction.atomic
def take(picks: Iterable[Pick]) -> list[TakenFrom]:
    """Select these items and nothing else in the backups that they come from, mailbox by mailbox.

    What is still there comes from the newest backup, what is deleted from the last one that held it. Backups
    that the actor does not see are left out. Raises InvalidRequest when they are too many, or nothing is left.
    """
    keys: dict[UUID, list[str]] = defaultdict(list)
    for public_id, key in picks:
        keys[public_id].append(key)
    rows = Snapshot.objects.filter(public_id__in=keys).select_related("entity__task__connection", "run")
    chosen: dict[tuple[int, int], tuple[Point, list[Snapshot]]] = {}
    last: dict[int, Point] = {}
    for snapshot in rows.defer("cursor", "coverage", "folder_totals"):
        point = _point(snapshot, last)
        chosen.setdefault((snapshot.entity_id, point.run.pk), (point, []))[1].append(snapshot)
        if len(chosen) > POINTS_LIMIT:
            raise InvalidRequest(
                f"These items come back from more than {POINTS_LIMIT} backups.",
                do="Choose fewer of them: each backup is a restore of its own.",
            )
    if not chosen:
        raise InvalidRequest("Nothing is selected.", do="Tick what you want back among the results.")
    found: dict[int, TakenFrom] = {}
    for point, snapshots in chosen.values():
        selections_clear(point=point)
        counts: Counter[str] = Counter()
        for snapshot in snapshots:
            selection = selection_change(snapshot=snapshot, items=keys[snapshot.public_id])
            counts[snapshot.sub_service] += len(selection.items)
        entity = point.run.entity
        words = ", ".join(kind_of(kind).items(count) for kind, count in sorted(counts.items()))
        is_last = point.run.pk == last[entity.pk].run.pk
        found.setdefault(entity.pk, TakenFrom(entity, [])).parts.append(Taken(point, words, is_last))
    for taken in found.values():
        taken.parts.sort(key=lambda part: part.point.at, reverse=True)
    return sorted(found.values(), key=lambda taken: taken.entity.name.casefold())


def _point(snapshot: Snapshot, last: dict[int, Point]) -> Point:
    """What is the newest of its kind belongs to the last backup, also when that one could not read the kind."""
    entity = snapshot.entity
    if entity.pk not in last:
        run = last_run(entity)
        last[entity.pk] = point_of(run or snapshot.run)
    if snapshot in last[entity.pk].snapshots:
        return last[entity.pk]
    return point_of(snapshot.run)
