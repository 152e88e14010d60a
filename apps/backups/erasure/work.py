"""The hourly task: count graces on, erase what had all of its own, follow the bytes until they are gone."""

import logging

from django.db import transaction
from django.db.models import Q

from apps.accounts.selectors import administrators, stopped_accounts
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError
from apps.core.grace import count_on
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope, every_account

from ..deletion.destroy import BUSY
from ..engine.lease import DISPATCHED
from ..enums import EntityState, ErasureState
from ..models import Deletion, Entity, ErasedItem, Erasure, Snapshot
from ..registry import in_use
from .chosen import holds_on
from .erase import ON_HOLD, clean_journals, erase
from .order import GRACE, note
from .proof import follow_versions, look_for_bytes

logger = logging.getLogger("everkeep.erasure")
FOLLOWED = (ErasureState.WAITING, ErasureState.ERASING, ErasureState.DONE)


def look_after_erasures() -> int:
    """Go on with every erasure, whatever troubles the others; returns how many are not through."""
    with every_account("erasures of all accounts are looked after"):
        awake = Erasure.objects.exclude(account__in=stopped_accounts())
        due = awake.filter(state__in=FOLLOWED, bytes_gone_at=None).order_by("pk")
        found = list(due.values_list("pk", "account_id"))
    return sum(not _tried(pk, account_id) for pk, account_id in found)


def _tried(pk: int, account_id: int) -> bool:
    with account_scope(account_id), acting_as(SYSTEM):
        erasure = Erasure.objects.select_related("entity__task").get(pk=pk)
        try:
            return go_on(erasure)
        except EverkeepError as error:
            _wait(erasure, str(error))
        except Exception:
            logger.exception("erasure %s broke off", erasure.public_id)
            _wait(erasure, "A fault of ours. It is tried again every hour.")
        return False


def go_on(erasure: Erasure) -> bool:
    """Do what can be done now. True when nothing is left to do. In the account's scope."""
    if erasure.state == ErasureState.WAITING:
        follow_versions(erasure)
        seen = count_on(erasure)
        if clock.now() < erasure.ends_at or seen < GRACE or not _begin(erasure):
            return False
    if not _take(erasure):
        return False
    entity = erasure.entity
    if erasure.state == ErasureState.ERASING:
        if entity is not None:
            if reason := _in_the_way(erasure, entity):
                _wait(erasure, reason)
                return False
            erase(entity, erasure)
        _finish(erasure)
    elif entity is not None:
        for kind in list(erasure.left):
            clean_journals(entity, erasure, kind)
    if erasure.entity is None and erasure.left != (left := _left_by_deletion(erasure)):
        _update(erasure, left=left)
    through = look_for_bytes(erasure, _records_clean)
    _update(erasure, busy_until=None, waiting_for="")
    return through


def _records_clean(erasure: Erasure) -> bool:
    """Look at the journals once more: a worker that had lost its lease may have put one there since."""
    if (entity := erasure.entity) is None:
        return True
    kinds = sorted(set(erasure.items.values_list("sub_service", flat=True)))
    return all(clean_journals(entity, erasure, kind) for kind in kinds)


@transaction.atomic
def _begin(seen: Erasure) -> bool:
    """The point of no return. A hold that came during the grace suspends all of it."""
    erasure = Erasure.objects.select_for_update().get(pk=seen.pk)
    if erasure.state != ErasureState.WAITING:
        return False
    if erasure.entity is not None and holds_on(erasure, erasure.entity):
        _update(seen, waiting_for=ON_HOLD)
        return False
    kinds = ErasedItem.objects.filter(erasure=erasure).values_list("sub_service", flat=True)
    _update(seen, state=ErasureState.ERASING, waiting_for="", left=sorted(set(kinds)))
    return True


def _in_the_way(erasure: Erasure, entity: Entity) -> str:
    """Why it cannot be erased at this moment, "" when it can."""
    if entity.state == EntityState.DELETING:
        return "All backups of the mailbox are being deleted: see there."
    if holds_on(erasure, entity):
        return ON_HOLD
    alive = entity.lease_owner and entity.lease_until and entity.lease_until > clock.now()
    if alive and not entity.lease_owner.startswith(DISPATCHED):
        return "A backup of the mailbox is at work."
    kinds = set(ErasedItem.objects.filter(erasure=erasure).values_list("sub_service", flat=True))
    snapshots = Snapshot.objects.filter(entity=entity, sub_service__in=kinds)
    if in_use(set(snapshots.values_list("pk", flat=True))):
        return "A restore or an export of the mailbox is at work, or planned today."
    return ""


def _left_by_deletion(erasure: Erasure) -> list[str]:
    """Return the kinds of data whose journals went with the mailbox, and lie in a store that keeps them."""
    rows = Deletion.objects.exclude(left=[]).values_list("left", flat=True)
    name = str(erasure.entity_public_id)
    return sorted({kind for left in rows for entity_id, kind in left if entity_id == name})


@transaction.atomic
def _finish(erasure: Erasure) -> None:
    """Nothing of it is in any backup: say so."""
    gone_with = erasure.entity is None
    if gone_with:
        erasure.items.filter(erased_at=None).update(erased_at=clock.now())
    _update(erasure, state=ErasureState.DONE, settled_at=clock.now(), waiting_for="")
    mail_after_commit(
        "erasure_done",
        administrators(erasure.account_id),
        erasure=erasure,
        link=f"/erasures/{erasure.public_id}/",
        link_words="See the certificate",
        service=erasure.service,
        entity_id=erasure.entity_public_id,
    )
    said = "went with its mailbox" if gone_with else "erased"
    note(erasure, "erasure.done", f"{erasure.label}: {said}", versions=erasure.proof.get("versions", 0))


def _take(erasure: Erasure) -> bool:
    """Keep two workers from one erasure. Harmless if it fails: every step may be done twice."""
    now = clock.now()
    free = Q(busy_until=None) | Q(busy_until__lt=now) | Q(busy_until__gt=now + BUSY)
    return bool(Erasure.objects.filter(free, pk=erasure.pk).update(busy_until=now + BUSY))


def _wait(erasure: Erasure, reason: str) -> None:
    _update(erasure, waiting_for=reason[:300], busy_until=None)


def _update(erasure: Erasure, **values: object) -> None:
    for name, value in values.items():
        setattr(erasure, name, value)
    erasure.save(update_fields=list(values))
