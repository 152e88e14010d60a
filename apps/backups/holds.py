"""What is on legal hold: asked by all that deletes backups. A hold suspends expiry, deletion and erasure.

A hold on one item of an entity keeps the whole entity from expiry and deletion; erasure asks item by item.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from apps.core.permissions import Permission, allowed
from apps.core.sight import whole_sight

from .catalog import in_batches
from .models import Entity, EntityTag, HeldPart, Hold
from .models.catalog import hash_of


def any_hold() -> bool:
    """Tell whether anything at all is on hold in the account: mostly not, and nobody need look closer."""
    return Hold.objects.filter(lifted_at=None).exists()


class Item(NamedTuple):
    """One item of a mailbox, as the catalog names it."""

    entity_id: int
    sub_service: str
    remote_id: str


def may_name_holds() -> bool:
    """Tell whether the actor may read the names of holds: that of a case may tell more than its items."""
    return allowed(Permission.ACCOUNT_SETTINGS)


@whole_sight("a hold binds also who does not see it")
def lock_entities(entity_ids: Collection[int]) -> None:
    """Let no erasure of these go on before what this transaction puts on hold is seen.

    An erasure writes the same row first (`Lease.guard`) and asks for holds after that: one waits for the other.
    """
    for ids in in_batches(sorted(entity_ids)):
        rows = Entity.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
        list(rows.values_list("pk", flat=True))


@whole_sight("a hold binds also who does not see it")
def on_hold(entity_ids: Collection[int]) -> dict[int, list[Hold]]:
    """Return the holds in force by entity, of those entities that have any. In the account's scope."""
    found: dict[int, dict[int, Hold]] = defaultdict(dict)
    by_tag = defaultdict[int | None, list[Hold]](list)
    for hold in Hold.objects.filter(tag__isnull=False, lifted_at__isnull=True).order_by("name", "pk"):
        by_tag[hold.tag_id].append(hold)
    for ids in in_batches(sorted(entity_ids)):
        parts = HeldPart.objects.filter(entity_id__in=ids, hold__lifted_at__isnull=True)
        for part in parts.select_related("hold").order_by("hold__name", "hold_id"):
            found[part.entity_id][part.hold_id] = part.hold
        if not by_tag:
            continue
        tagged = EntityTag.objects.filter(entity_id__in=ids, tag_id__in=list(by_tag))
        for entity_id, tag_id in tagged.values_list("entity_id", "tag_id"):
            found[entity_id].update((hold.pk, hold) for hold in by_tag[tag_id])
    return {entity_id: list(holds.values()) for entity_id, holds in found.items()}


@whole_sight("a hold binds also who does not see it")
def held_items(items: Iterable[Item]) -> dict[Item, list[Hold]]:
    """Return the holds in force by item: on the item itself, or on all of its entity."""
    wanted: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        wanted[item.entity_id].append(item)
    found: dict[Item, dict[int, Hold]] = defaultdict(dict)
    if not any_hold():
        return {}
    for entity_id, of_entity in wanted.items():
        rows = HeldPart.objects.filter(entity_id=entity_id, hold__lifted_at__isnull=True).select_related("hold")
        narrow = set(rows.filter(remote_hash__isnull=False).values_list("hold_id", flat=True))
        whole = set(rows.filter(remote_hash__isnull=True).values_list("hold_id", flat=True))
        for hold in on_hold([entity_id]).get(entity_id, []):
            if hold.pk in whole or hold.pk not in narrow:
                for item in of_entity:
                    found[item][hold.pk] = hold
        by_hash = {hash_of(item.remote_id): item for item in of_entity}
        for hashes in in_batches(sorted(by_hash)):
            for part in rows.filter(remote_hash__in=hashes):
                item = Item(entity_id, part.sub_service, part.remote_id)
                if item in of_entity:
                    found[item][part.hold_id] = part.hold
    return {item: list(holds.values()) for item, holds in found.items()}


@whole_sight("a hold binds also who does not see it")
def held_by_themselves(entity_id: int, sub_service: str, remote_ids: Collection[str]) -> set[str]:
    """Return those remote ids that a hold in force names one by one, for marks in lists. One query."""
    parts = HeldPart.objects.filter(
        entity_id=entity_id,
        sub_service=sub_service,
        remote_hash__in=[hash_of(remote_id) for remote_id in remote_ids],
        hold__lifted_at__isnull=True,
    )
    return set(parts.values_list("remote_id", flat=True)).intersection(remote_ids) if remote_ids else set()
