"""The one way to write a line into an account's security audit."""

from typing import Any
from uuid import UUID

from apps.core import clock
from apps.core.actor import current_actor
from apps.core.scope import current_account_id

from .models import ActivityStatus, SecurityEvent


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
    """
    actor = current_actor()
    return SecurityEvent.objects.create(
        account_id=current_account_id(),
        at=clock.now(),
        code=code,
        status=status,
        service=service,
        task_label=task_label[:200],
        actor_label="" if actor.kind == "system" else actor.label[:200],
        actor_id=actor.user_id,
        address=actor.address,
        description=description[:500],
        subject_id=subject_id,
        entity_id=entity_id,
        details=details,
    )
