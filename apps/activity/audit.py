"""The one way to write a line into an account's security audit."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from apps.core import clock
from apps.core.actor import current_actor
from apps.core.scope import current_account_id

from .chain import append, plain, plain_json
from .models import ActivityStatus, SecurityEvent

SAME_ACT = timedelta(minutes=10)


def audit(
    code: str,
    *,
    status: str = ActivityStatus.DONE,
    description: str = "",
    service: str = "",
    task_label: str = "",
    subject_id: UUID | None = None,
    entity_id: UUID | None = None,
    **details: Any,
) -> SecurityEvent:
    """Write who did, tried or was shown what, in the caller's transaction, in the name of the actor in force.

    `code` is `noun.verb`, registered with its words by `activity.registry.register_codes`; `description` is
    one sentence for people ("Changed the role of Vera from Auditor to Administrator"); `details` must be JSON
    and holds no secret. The actor's network address is taken along. `service` and `entity_id` (the public id
    of the one mailbox that the row names) decide who may see the row.

    Locks the account's chain until the transaction ends (chain.py): call it last, nothing slow may follow.
    """
    actor = current_actor()
    return append(
        SecurityEvent(
            account_id=current_account_id(),
            at=clock.now(),
            code=code,
            status=str(status),
            service=str(service),
            task_label=plain(task_label, 200),
            actor_label="" if actor.kind == "system" else plain(actor.label, 200),
            actor_id=actor.user_id,
            address=plain(actor.address, 45),
            description=plain(description, 500),
            subject_id=subject_id,
            entity_id=entity_id,
            details=plain_json(details),
        )
    )


def audit_once(code: str, *, description: str, **fields: Any) -> SecurityEvent | None:
    """Write a line unless the same person had the very same one in the last ten minutes.

    For what a page or a program may repeat many times in a row: previews, refusals.
    """
    actor = current_actor()
    lately = SecurityEvent.objects.filter(actor_id=actor.user_id, at__gte=clock.now() - SAME_ACT)
    if lately.filter(code=code, description=plain(description, 500), address=actor.address).exists():
        return None
    return audit(code, description=description, **fields)
