"""Orders to delete, and taking them back. Nothing is destroyed here: the grace begins."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.accounts.approvals import Proposed, propose
from apps.accounts.selectors import administrators
from apps.activity.services import record
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest, NotFound
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission, require
from apps.core.sight import sees_everything, whole_sight

from ..catalog import in_batches
from ..engine.lease import DISPATCHED
from ..enums import DeletionState, EntityState
from ..models import BackupTask, Deletion, Entity
from ..models.deletions import deletion_label
from ..planning import first_starts
from ..service_list import nouns_of
from .facts import What, held_words, what_of

GRACE: Final = timedelta(days=7)
ACT: Final = "backups.delete"
Payload = dict[str, Any]


def delete_wish(what: What, *, typed: str) -> Proposed:
    """Order it, or propose it to a second administrator. Raises InvalidRequest, Conflict, PermissionMissing."""
    require(Permission.DELETE)
    if not what.ids and not what.whole:
        raise InvalidRequest("There is nothing to delete.", do="Choose what to delete first.")
    if " ".join(typed.split()).casefold() != " ".join(what.typed.split()).casefold():
        raise InvalidRequest(f"Type {what.typed} to delete it.", do="It must be exactly the same words.")
    payload: Payload = {"task": str(what.task.public_id), "whole": what.whole, "by": current_actor().label}
    if not what.whole:
        payload["entities"] = what.ids
    _may_go(what)
    return propose(ACT, payload, _label(what))


@transaction.atomic
def delete_now(payload: Payload) -> Deletion:
    """Begin the grace of what a payload names; everything is checked anew. An act of the two-person rule."""
    what = _read(payload)
    _may_go(what)
    # Locked: none of them begins to destroy while its entities are taken over.
    list(Deletion.objects.select_for_update().filter(task=what.task, state__in=_OPEN).order_by("pk"))
    now = clock.now()
    deletion = Deletion.objects.create(
        account_id=what.task.account_id,
        task=what.task,
        service=what.task.service,
        whole_task=what.whole,
        limited=_any_limited(what.ids),
        by_rule=bool(payload.get("rule")),
        by_leaving=bool(payload.get("leaving")),
        label=_label(what)[:300],
        task_label=what.task.name,
        count=len(what.ids),
        size=what.size,
        ordered_by=str(payload["by"])[:200],
        ordered_at=now,
        ends_at=now + GRACE,
        counted_at=now,
    )
    for ids in in_batches(what.ids):
        _mark(Entity.objects.filter(pk__in=ids), deletion)
    if what.whole:
        _replace_earlier(deletion)
    only = _only(deletion)
    _tell(deletion, "deletion_ordered", only)
    _record(deletion, "deletion.ordered", f"{deletion.label}, after {deletion.ends_at:%-d %B %Y}", only)
    return deletion


def deletion_words(payload: Payload) -> str:
    """What would go now, for who is asked to approve it."""
    what = _read(payload)
    names = ", ".join(entity.name for entity in what.named) + (f" and {what.more:,} more" if what.more else "")
    return (
        f"{names or 'Nothing'}. {what.backups:,} backups with {what.items:,} items. For {GRACE.days} days "
        "everything can be browsed and restored, and who may delete can take it back. Then it is destroyed."
    )


@transaction.atomic
def deletion_cancel(*, public_id: UUID) -> Deletion:
    """Take an order back: everything is as it was. Raises NotFound, Conflict once it is being destroyed."""
    found = Deletion.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such deletion.", do="Load the page again.")
    free = Deletion.objects.filter(pk=found.pk, state=DeletionState.WAITING)
    if not free.update(state=DeletionState.CANCELLED, settled_at=clock.now(), waiting_for=""):
        raise Conflict("This cannot be taken back any more.", do="Load the page again.")
    with whole_sight("an order is taken back as a whole"):
        only = _only(found)
        _put_back(found)
    _tell(found, "deletion_cancelled", only)
    _record(found, "deletion.cancelled", f"{found.label}: taken back", only)
    return found


def _put_back(deletion: Deletion) -> None:
    mine = Entity.objects.filter(deletion=deletion, state=EntityState.DELETING)
    if deletion.task is not None:
        active = mine.filter(state_before_deletion=EntityState.ACTIVE)
        active.update(next_run_at=first_starts(deletion.task))
    if deletion.by_rule:
        mine.update(archived_at=clock.now())
    mine.update(**_AS_BEFORE)


def put_back_some(deletion: Deletion, ids: list[int], why: str) -> None:
    """Take entities out of an order of a rule that waits and whose row is locked; `why` is for people."""
    only = _only(deletion)
    for part in in_batches(ids):
        Entity.objects.filter(deletion=deletion, state=EntityState.DELETING, pk__in=part).update(**_AS_BEFORE)
    if Entity.objects.filter(deletion=deletion, state=EntityState.DELETING).exists():
        _record(deletion, "deletion.cancelled", f"{deletion.label}: {len(ids)} put back: {why}", only)
        return
    deletion.state, deletion.settled_at, deletion.waiting_for = DeletionState.CANCELLED, clock.now(), ""
    deletion.save(update_fields=["state", "settled_at", "waiting_for"])
    _tell(deletion, "deletion_cancelled", only)
    _record(deletion, "deletion.cancelled", f"{deletion.label}: taken back: {why}", only)


def delete_of_rule(task: BackupTask, ids: list[int], by: str) -> Deletion:
    """Order what a rule of activation deletes that somebody has approved. Raises Conflict for a hold."""
    payload: Payload = {"task": str(task.public_id), "whole": False, "entities": ids, "by": by, "leaving": True}
    return delete_now(payload)


@transaction.atomic
def put_back_of_rule(task: BackupTask, ids: Collection[int], why: str) -> set[int]:
    """Take these out of orders of rules that wait; what a person ordered stays. Returns those it took out."""
    if not ids:
        return set()
    back = set[int]()
    for deletion in _of_rules(task).select_for_update().order_by("pk"):
        mine = Entity.objects.filter(deletion=deletion, state=EntityState.DELETING, pk__in=ids)
        found = list(mine.values_list("pk", flat=True))
        if found:
            active = mine.filter(state_before_deletion=EntityState.ACTIVE)
            active.update(next_run_at=first_starts(task))
            put_back_some(deletion, found, why)
            back.update(found)
    return back


def in_grace_of_rules(task: BackupTask) -> set[int]:
    """Whom `put_back_of_rule` could take out at this moment."""
    rows = Entity.objects.filter(deletion__in=_of_rules(task), state=EntityState.DELETING)
    return set(rows.values_list("pk", flat=True))


def _of_rules(task: BackupTask) -> QuerySet[Deletion]:
    return Deletion.objects.filter(task=task, state=DeletionState.WAITING, by_leaving=True)


def returned(task: BackupTask, remote_ids: Collection[str]) -> None:
    """Archive again what retention ordered to be deleted and the provider lists anew: it is back."""
    waiting = Deletion.objects.select_for_update().filter(task=task, by_rule=True, state=DeletionState.WAITING)
    for deletion in waiting.order_by("pk"):
        mine = Entity.objects.filter(deletion=deletion, state=EntityState.DELETING, remote_id__in=remote_ids)
        if ids := list(mine.values_list("pk", flat=True)):
            put_back_some(deletion, ids, "The provider lists it again.")


def _read(payload: Payload) -> What:
    task = BackupTask.objects.filter(public_id=payload["task"]).first()
    if task is None:
        raise Conflict("The backup task is gone already, or you do not see it.")
    if payload["whole"]:
        return what_of(task, Entity.objects.filter(task=task), whole=True)
    wanted, found = list(payload["entities"]), list[int]()
    for ids in in_batches(wanted):
        rows = Entity.objects.filter(task=task, pk__in=ids).exclude(state=EntityState.DELETING)
        found += rows.values_list("pk", flat=True)
    if not found:
        raise Conflict("Nothing of this is left to delete.", do="Load the page again.")
    return _what_of_ids(task, sorted(found))


def _what_of_ids(task: BackupTask, ids: list[int]) -> What:
    """As `what_of`, in statements that every database takes."""
    parts = [what_of(task, Entity.objects.filter(pk__in=part)) for part in in_batches(ids)]
    words = nouns_of(task.service).count(len(ids))
    held = {name: holds for part in parts for name, holds in part.held.items()}
    return What(
        task, False, ids, words, parts[0].typed if len(ids) == 1 else words, sum(part.items for part in parts),
        sum(part.size for part in parts), sum(part.backups for part in parts), parts[0].named, held,
    )  # fmt: skip


def _may_go(what: What) -> None:
    """Refuse what is on hold, by name, and a whole task of which the actor sees a part only.

    A rule acts for nobody: its words stand where anybody reads them, so they name no mailbox.
    """
    if what.held:
        is_person = current_actor().kind == "user"
        said = "; ".join(what.held_said) if is_person else nouns_of(what.task.service).count(len(what.held))
        raise Conflict(f"On legal hold: {said}.", do="What is on hold cannot be deleted.")
    if what.whole and not sees_everything():
        with whole_sight("whether something of the task is hidden"):
            hidden = Entity.objects.filter(task=what.task).count() > len(what.ids)
            held = held_words(Entity.objects.filter(task=what.task).values_list("pk", flat=True))
        if hidden or held:
            raise Conflict(
                "A part of this backup task has limited access.",
                do="Somebody who sees all of it can delete it.",
            )
    if what.whole and Deletion.objects.filter(task=what.task, whole_task=True, state__in=_OPEN).exists():
        raise Conflict("This backup task is being deleted already.", do="Load the page again.")


_OPEN = (DeletionState.WAITING, DeletionState.DESTROYING)
_AS_BEFORE: Final[dict[str, Any]] = {
    "state": F("state_before_deletion"), "state_before_deletion": "", "deletion": None
}  # fmt: skip


def _mark(entities: QuerySet[Entity], deletion: Deletion) -> None:
    """Begin no run any more; one at work stops at its next page, one that was sent finds nothing.

    What an earlier order has begun to destroy stays with that order: it cannot be put back.
    """
    entities = entities.exclude(deletion__state=DeletionState.DESTROYING)
    waiting = Q(lease_owner__startswith=DISPATCHED)
    entities.filter(waiting).update(lease_owner="", lease_until=None)
    entities.exclude(lease_owner="").update(cancel_requested=True)
    fresh = entities.exclude(state=EntityState.DELETING)
    fresh.update(
        state_before_deletion=F("state"), state=EntityState.DELETING, deletion=deletion, next_run_at=None
    )
    entities.filter(state=EntityState.DELETING).exclude(deletion=deletion).update(deletion=deletion)


def _replace_earlier(deletion: Deletion) -> None:
    """What was to go earlier goes with the whole task, later: the earlier orders have nothing left to do."""
    earlier = Deletion.objects.filter(task=deletion.task, state=DeletionState.WAITING).exclude(pk=deletion.pk)
    earlier.update(state=DeletionState.CANCELLED, settled_at=clock.now(), waiting_for="")


def _any_limited(ids: list[int]) -> bool:
    return any(Entity.objects.filter(pk__in=part, limited=True).exists() for part in in_batches(ids))


def _label(what: What) -> str:
    if what.whole:
        return f"Delete the backup task {what.task.name} with {what.words}"
    open_name = len(what.ids) == 1 and not what.named[0].limited
    name = what.named[0].name if open_name else what.words
    return deletion_label(name, what.task.name)


def _only(deletion: Deletion) -> UUID | None:
    """The one mailbox that an order names, as long as it belongs to it."""
    only = deletion.entities.first() if deletion.count == 1 and not deletion.whole_task else None
    return only.public_id if only else None


def _tell(deletion: Deletion, mail: str, only: UUID | None) -> None:
    mail_after_commit(
        mail,
        administrators(deletion.account_id),
        deletion=deletion,
        who=current_actor().label,
        days=GRACE.days,
        link="/deletions/",
        link_words="See it",
        service=deletion.service,
        entity_id=only,
    )


def _record(deletion: Deletion, code: str, sentence: str, only: UUID | None) -> None:
    record(
        code,
        service=deletion.service,
        task_label=deletion.task_label,
        item_label=deletion.label,
        subject_id=deletion.public_id,
        entity_id=only,
        count=deletion.count,
        audited=sentence,
    )
