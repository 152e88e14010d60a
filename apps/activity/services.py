"""Writes of the activity: a line into the system activity, an order to check the audit."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.core import clock
from apps.core.actor import current_actor
from apps.core.scope import current_account_id

from .audit import audit
from .models import Activity, ActivityStatus, ChainHead
from .selectors import CHECK_TAKES

CONTENT = "content"
"""The detail that names something inside a mailbox: shown only to who may see such names."""


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
    audited: str | None = None,
    **details: Any,
) -> Activity:
    """Write what just happened, in the caller's transaction, in the name of the actor in force.

    `code` is `noun.verb`, and registered with its words by `activity.registry.register_codes`; `details` must
    be JSON, and is shown on the row: `seconds` and `bytes` in words, others by their name. `entity_id` is the
    public id of the one mailbox that the row names: the row is for those who may see that mailbox.

    `audited`: the act stands in the security audit too, with this sentence. Then call it last (audit.py).
    """
    actor = current_actor()
    with transaction.atomic(savepoint=False):
        row = Activity.objects.create(
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
        if audited is not None:
            audit(
                code,
                status=status,
                description=audited,
                service=service,
                task_label=task_label,
                subject_id=subject_id,
                entity_id=entity_id,
                **details,
            )
    return row


@transaction.atomic
def check_order() -> None:
    """Have the chain of the account in force checked in the background; one order at a time."""
    from .tasks import check_chain  # noqa: PLC0415 - the task's module calls services

    now, account_id = clock.now(), current_account_id()
    free = Q(check_asked_at=None) | Q(check_asked_at__lt=now - CHECK_TAKES)
    if ChainHead.objects.filter(free, sequence__gt=0).update(check_asked_at=now):
        check_chain.after_commit(account_id=account_id)
