"""What one person has picked among the mailboxes that are gone: which, from which day, and where to."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.backups.models import Entity
from apps.backups.selectors.points import point_of_day
from apps.core.actor import current_actor
from apps.core.errors import InvalidRequest, NotFound
from apps.core.picker import Asked, Picker

from ..access import target_for, targets_for
from ..models import LostPick
from ..targets import target_picker
from .lost import Way, lost_mailboxes

AT_ONCE = 100
OPEN_PICKERS = 5
"""Up to so many on the page, each shows whom it finds before anybody has typed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One of them on the page. `day` is what stands in its field, `problem` why it cannot be taken so."""

    pick: LostPick
    day: str
    picker: Picker
    problem: str = ""

    @property
    def key(self) -> str:
        return key_of(self.pick)


def key_of(pick: LostPick) -> str:
    """Name the fields of one of them in a form."""
    return pick.entity.public_id.hex


def picks() -> list[LostPick]:
    """Return what the actor has picked and is still gone."""
    rows = LostPick.objects.filter(user_id=_person(), entity__in=lost_mailboxes())
    return list(rows.select_related("entity__task__connection", "target").order_by("entity__name", "pk"))


def picked_among(entities: Iterable[Entity]) -> set[int]:
    """Return which of these are picked, by primary key."""
    rows = LostPick.objects.filter(user_id=_person(), entity__in=[entity.pk for entity in entities])
    return set(rows.values_list("entity_id", flat=True))


@transaction.atomic
def picks_change(*, shown: Collection[UUID], ticked: Collection[UUID]) -> None:
    """Pick of the `shown` ones exactly the `ticked`; all others stay. Raises InvalidRequest beyond AT_ONCE.

    Who has the same address and lives, because the mailbox was made anew, takes it unless somebody says other.
    """
    rows = {entity.public_id: entity for entity in lost_mailboxes().filter(public_id__in=shown)}
    on = {entity.pk: entity for public_id, entity in rows.items() if public_id in set(ticked)}
    mine = LostPick.objects.filter(user_id=_person())
    mine.filter(entity__in=[entity.pk for entity in rows.values() if entity.pk not in on]).delete()
    kept = set(mine.filter(entity__in=list(on)).values_list("entity_id", flat=True))
    fresh = [entity for pk, entity in on.items() if pk not in kept]
    if fresh and len(picks()) + len(fresh) > AT_ONCE:
        raise InvalidRequest(
            f"More than {AT_ONCE} mailboxes cannot be restored together.",
            do="Restore those that are selected first, then select the others.",
        )
    heirs = _namesakes(fresh)
    LostPick.objects.bulk_create(
        [
            LostPick(account_id=each.account_id, user_id=_person(), entity=each, target=heirs.get(each.pk))
            for each in fresh
        ],
        ignore_conflicts=True,
    )


def picks_clear() -> None:
    """Pick none."""
    LostPick.objects.filter(user_id=_person()).delete()


@transaction.atomic
def picks_note(found: Collection[LostPick], sent: Mapping[str, str]) -> None:
    """Keep days and targets as the form has them now. What is not understood stays as it was."""
    for pick in found:
        pick.day = _day(sent.get(f"day-{key_of(pick)}", "")) or pick.day
        pick.target = _target(pick, sent) or pick.target
        LostPick.objects.filter(pk=pick.pk).update(day=pick.day, target=pick.target)


def ways(found: Collection[LostPick], sent: Mapping[str, str]) -> tuple[list[Way], dict[str, str]]:
    """Return what the form asks for, and by key what is missing in it. Every field counts as it was sent."""
    good, problems = [], {}
    for pick in found:
        name, key = pick.entity.name, key_of(pick)
        point, target = point_of_day(pick.entity, sent.get(f"day-{key}", "")), _target(pick, sent)
        if target is None:
            problems[key] = f"Choose the mailbox that takes what {name} held."
        elif point is None:
            problems[key] = f"No backup of {name} is kept from that day or before. Choose a later day."
        else:
            good.append(Way(point, target))
    return good, problems


def rows(found: list[LostPick], sent: Mapping[str, str], problems: Mapping[str, str]) -> list[Row]:
    """Return the lines of the page, with what is in the form already."""
    return [_row(pick, sent, problems, opened=len(found) <= OPEN_PICKERS) for pick in found]


def _row(pick: LostPick, sent: Mapping[str, str], problems: Mapping[str, str], *, opened: bool) -> Row:
    key, name = key_of(pick), f"target-{key_of(pick)}"
    asked = Asked.of(name, sent)
    chosen = asked.chosen or (str(pick.target.public_id) if pick.target else "")
    looks = bool(asked.text) or sent.get("find") == name or (opened and not chosen)
    picker = target_picker(
        pick.entity, Asked(name, asked.text, chosen), of=pick.entity.name, abroad=False, looks=looks
    )
    day = sent.get(f"day-{key}") or str(pick.day or last_day(pick.entity))
    return Row(pick, day, picker, problems.get(key, ""))


def last_day(entity: Entity) -> date:
    """Return the day of the last backup, in the time zone in force."""
    assert entity.last_snapshot_at is not None, "without a backup nobody is lost"
    return timezone.localdate(entity.last_snapshot_at)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _target(pick: LostPick, sent: Mapping[str, str]) -> Entity | None:
    try:
        return target_for(sent.get(f"target-{key_of(pick)}", ""), pick.entity, abroad=False)
    except NotFound:
        return None


def _namesakes(lost: Collection[Entity]) -> dict[int, Entity]:
    """Map lost mailboxes to the living one of the same address, where there is exactly one."""
    homes: dict[tuple[str, str], list[Entity]] = defaultdict(list)
    for entity in lost:
        if entity.address:
            homes[entity.task.connection.tenant_id, entity.task.service].append(entity)
    found: dict[int, Entity] = {}
    for group in homes.values():
        living: dict[str, list[Entity]] = defaultdict(list)
        same = targets_for(group[0], abroad=False).filter(address__in={entity.address for entity in group})
        for entity in same:
            living[entity.address].append(entity)
        found |= {entity.pk: living[entity.address][0] for entity in group if len(living[entity.address]) == 1}
    return found


def _person() -> int:
    return current_actor().user_id or 0
