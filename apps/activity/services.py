"""The one way to write a line into an account's system activity."""

from typing import Any
from uuid import UUID

from apps.core import clock
from apps.core.actor import current_actor
from apps.core.scope import current_account_id

from .models import Activity, ActivityStatus


def record(
    code: str,
    *,
    status: str = ActivityStatus.DONE,
    service: str = "",
    sub_service: str = "",
    task_label: str = "",
    item_label: str = "",
    subject_id: UUID | None = None,
    entity_id: UUID | None = None,
    **details: Any,
) -> Activity:
    """Write what just happened, in the caller's transaction, in the name of the actor in force.

    `code` is `noun.verb`, and registered with its words by `activity.registry.register_codes`; `details` must
    be JSON, and is shown on the row: `seconds` and `bytes` in words, others by their name. `entity_id` is the
    public id of the one mailbox that the row names: the row is for those who may see that mailbox.
    """
    actor = current_actor()
    return Activity.objects.create(
        account_id=current_account_id(),
        at=clock.now(),
        code=code,
        status=status,
        service=service,
        sub_service=sub_service,
        task_label=task_label[:200],
        item_label=item_label[:300],
        actor_label=actor.label[:200],
        actor_id=actor.user_id,
        subject_id=subject_id,
        entity_id=entity_id,
        details=details,
    )
