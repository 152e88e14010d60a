"""Put backups on legal hold, and lift a hold: at once, or once a second administrator has approved it."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from apps.accounts.approvals import Proposed, propose
from apps.activity import services as activity
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require, require_contents
from apps.core.scope import current_account_id
from apps.core.sight import sees_everything, whole_sight

from ..erasure.chosen import Keys, look_at
from ..holds import Item, held_items, lock_entities, may_name_holds
from ..less_protected import tell_less_protected
from ..models import Entity, EntityTag, HeldPart, Hold, Tag
from ..models.catalog import hash_of

LIFT: Final = "hold.lift"
Payload = dict[str, Any]
_BATCH: Final = 500
_UNNAMED: Final = "Nothing of it is deleted"


def entities_named(lines: Sequence[str]) -> list[Entity]:
    """Return the entities of these names or addresses. Raises InvalidRequest that names what is not there."""
    found: dict[int, Entity] = {}
    unknown: list[str] = []
    for line in {line.strip() for line in lines if line.strip()}:
        rows = list(Entity.objects.filter(Q(name__iexact=line) | Q(address__iexact=line)))
        found.update((row.pk, row) for row in rows)
        if not rows:
            unknown.append(line)
    if unknown:
        raise InvalidRequest(f"Nothing is called {', '.join(sorted(unknown)[:10])}.", do="Use name or address.")
    return sorted(found.values(), key=lambda entity: entity.name)


@transaction.atomic
def hold_place(
    *, name: str, reason: str = "", entities: Collection[Entity] = (), tag: Tag | None = None
) -> Hold:
    """Keep everything of these entities, and of what carries the tag now or later, until the hold is lifted."""
    require(Permission.ACCOUNT_SETTINGS)
    if not entities and tag is None:
        raise InvalidRequest("Nothing would be on hold.", do="Name mailboxes, or choose a tag.")
    hold = Hold.objects.create(
        account_id=current_account_id(),
        name=name,
        reason=reason,
        tag=tag,
        placed_by=current_actor().label,
    )
    if tag is not None:
        Tag.objects.select_for_update().get(pk=tag.pk)  # not deleted, nor put on anybody, at the same time
    chosen = {entity.pk: entity for entity in entities}
    if tag is not None:
        tagged = EntityTag.objects.filter(tag=tag).select_related("entity")
        chosen.update((row.entity_id, row.entity) for row in tagged)
    lock_entities(chosen)
    HeldPart.objects.bulk_create(
        [
            HeldPart(account_id=hold.account_id, hold=hold, entity=entity, label=entity.name[:500])
            for entity in chosen.values()
        ],
        batch_size=_BATCH,
    )
    _note(hold, "hold.placed", f"{name}: {_words(hold)} on hold. {reason}".strip())
    return hold


@transaction.atomic
def hold_by_itself(entity: Entity, *, name: str, reason: str) -> Hold:
    """Keep everything of an entity because something was noticed; asks for no right."""
    lock_entities([entity.pk])
    hold = Hold.objects.create(
        account_id=current_account_id(),
        name=name[:200],
        reason=reason[:500],
        placed_by=current_actor().label,
    )
    HeldPart.objects.create(account_id=hold.account_id, hold=hold, entity=entity, label=entity.name[:500])
    _note(hold, "hold.placed", f"{hold.name}: {_words(hold)} on hold. {reason}".strip())
    return hold


@transaction.atomic
def hold_items(entity: Entity, keys: Keys, *, name: str, reason: str = "") -> Hold:
    """Keep these items (`browse.node_key` by kind of data) in all their versions until the hold is lifted.

    Raises InvalidRequest, PermissionMissing. Their mailbox is kept from retention and deletion as a whole.
    """
    require(Permission.ACCOUNT_SETTINGS)
    require_contents()
    if not name.strip():
        raise InvalidRequest("The hold has no name.", do="Give it one, such as the number of the case.")
    lock_entities([entity.pk])
    what = look_at(entity, keys)
    ones = [*what.goes, *what.held]
    if not ones:
        raise InvalidRequest("Nothing of this is in any backup.", do="Tick single items first.")
    hold = Hold.objects.create(
        account_id=current_account_id(),
        name=name.strip()[:200],
        reason=reason.strip()[:500],
        placed_by=current_actor().label,
    )
    HeldPart.objects.bulk_create(
        [
            HeldPart(
                account_id=hold.account_id,
                hold=hold,
                entity=entity,
                sub_service=one.sub_service,
                remote_hash=hash_of(one.remote_id),
                remote_id=one.remote_id,
                label=one.name[:500],
            )
            for one in ones
        ],
        batch_size=_BATCH,
    )
    _note(hold, "hold.placed", f"{hold.name}: {_words(hold)} on hold. {hold.reason}".strip())
    return hold


@whole_sight("a hold binds also who does not see it")
def hold_tagged(tag: Tag, entity_ids: Sequence[int]) -> None:
    """Put what has just got a tag on the holds of that tag, to stay there whoever takes the tag off again."""
    holds = list(Hold.objects.filter(tag=tag, lifted_at=None))
    if holds:
        lock_entities(entity_ids)
    for hold in holds:
        held = hold.parts.filter(remote_hash=None, entity_id__in=entity_ids)
        rows = Entity.objects.filter(pk__in=entity_ids).exclude(pk__in=held.values("entity_id"))
        HeldPart.objects.bulk_create(
            HeldPart(account_id=hold.account_id, hold=hold, entity=row, label=row.name[:500]) for row in rows
        )


def holds_of_item(entity_id: int, sub_service: str, remote_id: str) -> list[str]:
    """Name the holds that keep an item or all of its mailbox, for who may know their names."""
    item = Item(entity_id, sub_service, remote_id)
    found = held_items([item]).get(item, [])
    return [str(hold) for hold in found] if may_name_holds() else [_UNNAMED] * bool(found)


def uses_of_tag(tag: Tag) -> list[str]:
    """Name the holds in force that go by a tag: deleting it would end them for what gets it later."""
    return [f"the legal hold {hold}" for hold in Hold.objects.filter(tag=tag, lifted_at=None).order_by("name")]


def hold_lift(hold: Hold) -> Proposed:
    """Lift it, or propose so. Nothing is deleted by it: what a rule lets go is marked a week ahead."""
    require(Permission.ACCOUNT_SETTINGS)
    require(Permission.DELETE)
    return propose(LIFT, {"hold": str(hold.public_id)}, f"Lift the legal hold {hold.name}")


def lift(payload: Payload) -> None:
    """The act that a second administrator approves."""
    require(Permission.DELETE)
    hold = _in_force(payload)
    hold.lifted_at, hold.lifted_by = clock.now(), current_actor().label
    hold.save(update_fields=["lifted_at", "lifted_by"])
    _note(hold, "hold.lifted", f"{hold.name}: {_words(hold)} no longer on hold")
    said = f"lifted the legal hold {hold.name} of {hold.placed_at:%-d %B %Y}."
    tell_less_protected(hold.name, said, link="/settings/holds/", link_words="Legal holds")


def lift_words(payload: Payload) -> str:
    """Say what would be no longer on hold."""
    hold = _in_force(payload)
    return (
        f"“{hold.name}” of {hold.placed_at:%-d %B %Y}, placed by {hold.placed_by}: {_words(hold)}. From "
        "then on retention, deletion and erasure take their course again, each with its week of grace."
    )


def _in_force(payload: Payload) -> Hold:
    hold = Hold.objects.filter(public_id=payload["hold"], lifted_at=None).first()
    if hold is None:
        raise Conflict("This hold is lifted already.", do="Load the page again.")
    if not sees_everything():
        raise Conflict("A hold is lifted by somebody who sees everything.", do="Ask an administrator.")
    return hold


def _words(hold: Hold) -> str:
    count = hold.parts.values("entity_id").distinct().count()
    named = f"{count:,} mailboxes" if count != 1 else "1 mailbox"
    if items := hold.parts.filter(remote_hash__isnull=False).count():
        named = f"{items:,} items of {named}" if items != 1 else f"1 item of {named}"
    return f"{named}, and what carries the tag “{hold.tag}”" if hold.tag else named


def _note(hold: Hold, code: str, audited: str) -> None:
    activity.record(code, item_label=hold.name, subject_id=hold.public_id, audited=audited)
