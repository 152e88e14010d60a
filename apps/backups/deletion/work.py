"""The hourly task: count graces on, destroy what had all of its own, prune what stores let go of later."""

import logging
import uuid

from django.db import transaction
from django.db.models import Q

from apps.accounts.selectors import administrators, stopped_accounts
from apps.activity.services import record
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError
from apps.core.grace import count_on
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope, every_account
from apps.vault.api import Chain, VaultError

from ..engine.lease import DISPATCHED
from ..enums import DeletionState, EntityState
from ..holds import on_hold
from ..models import Deletion, Entity
from ..registry import settled
from ..retention.archived import kept_by_now
from ..service_list import nouns_of
from .destroy import BUSY, ON_HOLD, destroy, remove_journals
from .order import GRACE, put_back_some

logger = logging.getLogger("everkeep.deletion")


def look_after_deletions() -> int:
    """Go on with every deletion, whatever troubles the others; returns how many are not through."""
    with every_account("graces of all accounts are counted"):
        awake = Deletion.objects.exclude(account__in=stopped_accounts())
        due = Q(state__in=(DeletionState.WAITING, DeletionState.DESTROYING)) | ~Q(left=[])
        found = list(awake.filter(due).order_by("pk").values_list("pk", "account_id"))
    return sum(not _tried(pk, account_id) for pk, account_id in found)


def _tried(pk: int, account_id: int) -> bool:
    with account_scope(account_id), acting_as(SYSTEM):
        deletion = Deletion.objects.select_related("task").get(pk=pk)
        try:
            return go_on(deletion)
        except EverkeepError as error:
            _wait(deletion, str(error))
        except Exception:
            logger.exception("deletion %s broke off", deletion.public_id)
            _wait(deletion, "A fault of ours. It is tried again every hour.")
        return False


def go_on(deletion: Deletion) -> bool:
    """Do what can be done now. True when nothing is left to do. In the account's scope."""
    if deletion.state == DeletionState.WAITING:
        seen = count_on(deletion)
        if clock.now() < deletion.ends_at or seen < GRACE or not _begin(deletion):
            return False
    if not _take(deletion):
        return False
    if deletion.state == DeletionState.DESTROYING:
        for entity in Entity.objects.filter(deletion=deletion, state=EntityState.DELETING).order_by("pk"):
            if reason := _in_the_way(entity):
                _wait(deletion, reason)
                return False
            destroy(entity, deletion, comes_back=_comes_back(deletion, entity))
        if deletion.whole_task and _others_at_work(deletion):
            _wait(deletion, "Another deletion in this backup task is not through.")
            return False
        _finish(deletion)
    return _prune(deletion)


@transaction.atomic
def _begin(locked: Deletion) -> bool:
    """The point of no return. A hold that came during the grace suspends all of it.

    What retention ordered is decided anew: the rule may have become longer since.
    """
    # Locked first: who puts entities back holds the same row.
    deletion = Deletion.objects.select_for_update().get(pk=locked.pk)
    if deletion.state != DeletionState.WAITING:
        return False
    if deletion.by_rule and (kept := kept_by_now(deletion)):
        put_back_some(deletion, kept, "The rule in force keeps it.")
        if deletion.state != DeletionState.WAITING:
            return False
    held = on_hold(list(Entity.objects.filter(deletion=deletion).values_list("pk", flat=True)))
    if held:
        _wait(deletion, f"{nouns_of(deletion.service).count(len(held))} on legal hold.")
        return False
    deletion.state, deletion.waiting_for = DeletionState.DESTROYING, ""
    deletion.save(update_fields=["state", "waiting_for"])
    locked.state, locked.waiting_for = deletion.state, ""
    return True


def _in_the_way(entity: Entity) -> str:
    """Why one entity cannot be destroyed at this moment, "" when it can; the words name it to nobody."""
    if on_hold([entity.pk]):
        return ON_HOLD
    alive = entity.lease_owner and entity.lease_until and entity.lease_until > clock.now()
    if alive and not entity.lease_owner.startswith(DISPATCHED):
        return "A backup of one of them is still at work."
    return settled(entity.public_id)


def _others_at_work(deletion: Deletion) -> bool:
    """Whether another order still destroys something of the task: its journals would outlive the rows."""
    others = Entity.objects.filter(task=deletion.task, deletion__state=DeletionState.DESTROYING)
    return deletion.task is not None and others.exclude(deletion=deletion).exists()


def _comes_back(deletion: Deletion, entity: Entity) -> bool:
    """Whether the source still stands in the list of the provider: then it is listed again, not active."""
    return not deletion.whole_task and entity.state_before_deletion != EntityState.ARCHIVED


@transaction.atomic
def _finish(deletion: Deletion) -> None:
    """All entities are gone: the task with them, if nothing was kept in it meanwhile; then say so."""
    task, sentence = deletion.task, f"{deletion.label}: done"
    if deletion.whole_task and task is not None:
        kept = Entity.objects.filter(task=task, first_snapshot_at__isnull=False)
        if kept.exists():
            sentence += ". The task stays: something was backed up in it meanwhile"
        else:
            task.delete()
            deletion.task = None
    deletion.state, deletion.settled_at, deletion.waiting_for = DeletionState.DONE, clock.now(), ""
    deletion.save(update_fields=["state", "settled_at", "waiting_for", "task"])
    mail_after_commit(
        "deletion_done",
        administrators(deletion.account_id),
        deletion=deletion,
        proof=deletion.proof,
        service=deletion.service,
    )
    record(
        "deletion.done",
        service=deletion.service,
        task_label=deletion.task_label,
        item_label=deletion.label,
        subject_id=deletion.public_id,
        audited=sentence,
        bytes=deletion.size,
        **deletion.proof,
    )


def _prune(deletion: Deletion) -> bool:
    """Delete the journals that a store kept, once it lets go of them."""
    if not deletion.left:
        return deletion.state == DeletionState.DONE
    left = []
    for entity_id, kind in deletion.left:
        try:
            _, locked = remove_journals(deletion.account_id, Chain(uuid.UUID(entity_id), kind))
        except VaultError as error:
            logger.warning("journals of deletion %s stay for now: %s", deletion.public_id, error)
            locked = 1
        if locked:
            left.append([entity_id, kind])
    deletion.left, deletion.busy_until = left, None
    deletion.save(update_fields=["left", "busy_until"])
    return not left


def _take(deletion: Deletion) -> bool:
    """Keep two workers from one deletion. Harmless if it fails: every step may be done twice."""
    now = clock.now()
    free = Q(busy_until=None) | Q(busy_until__lt=now) | Q(busy_until__gt=now + BUSY)
    return bool(Deletion.objects.filter(free, pk=deletion.pk).update(busy_until=now + BUSY))


def _wait(deletion: Deletion, reason: str) -> None:
    deletion.waiting_for, deletion.busy_until = reason[:300], None
    deletion.save(update_fields=["waiting_for", "busy_until"])
