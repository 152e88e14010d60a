"""Orders to erase items, and taking them back. What is ordered is hidden at once; nothing is erased here."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.accounts.approvals import Proposed, propose
from apps.accounts.selectors import administrators
from apps.activity.services import record
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest, NotFound
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission, require, require_contents

from ..enums import EntityState, ErasureState
from ..holds import may_name_holds
from ..models import Entity, ErasedItem, Erasure
from ..models.catalog import key_of
from .chosen import Keys, What, look_at
from .proof import follow_versions
from .remembered import hash_in

GRACE: Final = timedelta(days=7)
ACT: Final = "items.erase"
Payload = dict[str, Any]


def erase_wish(entity: Entity, keys: Keys, *, typed: str, reason: str) -> Proposed:
    """Order it, or propose it to a second administrator. Raises InvalidRequest, Conflict, PermissionMissing."""
    require(Permission.ERASE)
    require_contents()
    what = look_at(entity, keys)
    _may_go(what)
    if " ".join(typed.split()).casefold() != what.typed.casefold():
        raise InvalidRequest(f"Type {what.typed} to erase it.", do="It must be exactly the same words.")
    if not reason.strip():
        raise InvalidRequest("Say why.", do="Such as the number of the request. It stands in the certificate.")
    payload: Payload = {
        "entity": str(entity.public_id),
        "keys": {kind: sorted(one.key for one in ones) for kind, ones in sorted(what.by_kind.items())},
        "held": [{"kind": one.sub_service, "id": one.key, "holds": one.holds} for one in what.held],
        "reason": reason.strip()[:500],
        "by": current_actor().label,
    }
    return propose(ACT, payload, f"Erase {what.words}" if entity.limited else _label(what))


@transaction.atomic
def erase_now(payload: Payload) -> Erasure:
    """Hide what a payload names and begin the grace; all is checked anew. An act of the two-person rule."""
    what = _read(payload, lock=True)
    _may_go(what)
    now, entity, by = clock.now(), what.entity, str(payload["by"])
    approver = current_actor().label
    erasure = Erasure.objects.create(
        account_id=entity.account_id,
        entity=entity,
        entity_public_id=entity.public_id,
        service=entity.task.service,
        limited=entity.limited,
        entity_label=entity.name[:300],
        task_label=entity.task.name,
        label=_label(what)[:300],
        reason=str(payload["reason"])[:500],
        ordered_by=by[:320],
        approved_by="" if approver == by else approver[:320],
        ordered_at=now,
        ends_at=now + GRACE,
        counted_at=now,
        counts={kind: [len(ones), sum(one.versions for one in ones)] for kind, ones in what.by_kind.items()},
        held=[*payload.get("held", []), *_held(what)],
    )
    ErasedItem.objects.bulk_create(
        ErasedItem(
            account_id=entity.account_id,
            erasure=erasure,
            entity=entity,
            sub_service=one.sub_service,
            remote_hash=hash_in(one.key),
            key=one.key,
            mailbox=key_of(entity.remote_id),
        )
        for one in what.goes
    )
    follow_versions(erasure)
    _tell(erasure, "erasure_ordered")
    note(erasure, "erasure.ordered", f"{erasure.label}, after {erasure.ends_at:%-d %B %Y}: {erasure.reason}")
    return erasure


def erasure_words(payload: Payload) -> str:
    """What would go now, for who is asked to approve it. No names: these words are kept."""
    what = _read(payload)
    days = [day for one in what.goes for day in (one.since, one.until) if day]
    span = f", in backups of {min(days):%-d %B %Y} to {max(days):%-d %B %Y}" if days else ""
    ids = ", ".join(one.key[:8] for one in what.goes[:10]) + (" …" if len(what.goes) > 10 else "")
    return (
        f"{what.words} of {what.entity.name}, {what.versions:,} versions{span} (ids {ids}). Reason: "
        f"{payload['reason']} They are hidden at once. For {GRACE.days} days it can be taken back; then they "
        "are gone from every backup, for good."
    )


@transaction.atomic
def erasure_cancel(*, public_id: UUID) -> Erasure:
    """Take an order back: all is shown again. Raises NotFound, Conflict once it is being erased."""
    require(Permission.ERASE)
    found = Erasure.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such erasure.", do="Load the page again.")
    free = Erasure.objects.filter(pk=found.pk, state=ErasureState.WAITING)
    if not free.update(state=ErasureState.CANCELLED, settled_at=clock.now(), waiting_for=""):
        raise Conflict("This cannot be taken back any more.", do="Load the page again.")
    ErasedItem.objects.filter(erasure=found).delete()
    found.places.all().delete()
    _tell(found, "erasure_cancelled")
    note(found, "erasure.cancelled", f"{found.label}: taken back")
    return found


def note(erasure: Erasure, code: str, sentence: str, **details: Any) -> None:
    """Write a line into the activity and the audit."""
    record(
        code,
        service=erasure.service,
        task_label=erasure.task_label,
        item_label=erasure.label,
        subject_id=erasure.public_id,
        entity_id=erasure.entity_public_id,
        count=erasure.items_count,
        audited=sentence,
        **details,
    )


def _read(payload: Payload, *, lock: bool = False) -> What:
    """Look it up anew. `lock`: no second order for the same items is taken at the same time."""
    rows = Entity.objects.select_for_update(of=("self",)) if lock else Entity.objects.all()
    entity = rows.select_related("task").filter(public_id=payload["entity"]).first()
    if entity is None:
        raise Conflict("This mailbox is not there any more.", do="Load the page again.")
    return look_at(entity, payload["keys"])


def _may_go(what: What) -> None:
    if not what.goes and what.held:
        names = sorted({name for one in what.held for name in one.holds})
        said = f": {', '.join(names)}" if may_name_holds() else ""
        raise Conflict(f"On legal hold{said}.", do="What is on hold cannot be erased.")
    if not what.goes:
        raise InvalidRequest("Nothing of this is in any backup.", do="Choose what to erase first.")
    if what.entity.state == EntityState.DELETING:
        raise Conflict("All backups of this mailbox are being deleted.", do="Take the deletion back first.")
    keys = [one.key for one in what.goes]
    open_orders = ErasedItem.objects.filter(entity=what.entity, erased_at=None, erasure__isnull=False)
    if any(key in keys for key in open_orders.values_list("key", flat=True)):
        raise Conflict("Something of this is being erased already.", do="See the list of erasures.")


def _held(what: What) -> list[dict[str, Any]]:
    return [{"kind": one.sub_service, "id": one.key, "holds": one.holds} for one in what.held]


def _label(what: What) -> str:
    return f"Erase {what.words} of {what.entity.name}"


def _tell(erasure: Erasure, mail: str) -> None:
    mail_after_commit(
        mail,
        administrators(erasure.account_id),
        erasure=erasure,
        who=current_actor().label,
        days=GRACE.days,
        link=f"/erasures/{erasure.public_id}/",
        link_words="See it",
        service=erasure.service,
        entity_id=erasure.entity_public_id,
    )
