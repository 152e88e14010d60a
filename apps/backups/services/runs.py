"""Order a backup now, or stop one."""

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.activity import services as activity
from apps.core import clock
from apps.core.errors import Conflict

from ..engine import run_backup
from ..engine.lease import DISPATCHED
from ..engine.pace import ON_DEMAND, ROUTINE, slot_after_run
from ..enums import EntityState, Trigger
from ..models import Entity
from ..service_list import nouns_of


@transaction.atomic
def backup_now(*, entities: "QuerySet[Entity]") -> int:
    """Put active entities at the head of the queue; returns how many. One that runs already is left alone."""
    from ..tasks import tick  # noqa: PLC0415 - the task's module calls services

    now = clock.now()
    idle = Q(lease_owner="") | Q(lease_until__lt=now) | Q(lease_owner__startswith=DISPATCHED)
    ordered = entities.filter(idle, state=EntityState.ACTIVE)
    first = ordered.select_related("task").first()
    if first is None:
        return 0
    count = ordered.update(next_run_at=now, run_priority=ON_DEMAND, run_trigger=Trigger.PERSON)
    activity.record(
        "run.ordered",
        service=first.task.service,
        task_label=first.task.name,
        item_label=first.name if count == 1 else nouns_of(first.task.service).count(count),
        subject_id=first.public_id if count == 1 else first.task.public_id,
        entity_id=first.public_id if count == 1 else None,
        count=count,
        audited=first.name if count == 1 else nouns_of(first.task.service).count(count),
    )
    tick.after_commit()
    return count


def run_now(*, entity: Entity) -> str:
    """Back up in this process and wait for it, as a worker does; for commands. Returns how it ended."""
    return run_backup(account_id=entity.account_id, entity_id=entity.pk)


@transaction.atomic
def cancel_run(*, entity: Entity) -> None:
    """Stop an entity's backup at its next page, or take it out of the queue. Raises Conflict if neither."""
    now = clock.now()
    mine = Entity.objects.filter(pk=entity.pk)
    waiting = Q(lease_owner="") | Q(lease_until__lt=now) | Q(lease_owner__startswith=DISPATCHED)
    asked = mine.filter(~waiting).update(cancel_requested=True)
    if not asked:
        taken_off = mine.filter(waiting, run_trigger=Trigger.PERSON).update(
            next_run_at=slot_after_run(entity),
            run_priority=ROUTINE,
            run_trigger="",
            lease_owner="",
            lease_until=None,
        )
        if not taken_off:
            raise Conflict("No backup is in progress.", do="Load the page again to see its state.")
    activity.record(
        "run.cancelled",
        service=entity.task.service,
        task_label=entity.task.name,
        item_label=entity.name,
        audited=entity.name,
        subject_id=entity.public_id,
        entity_id=entity.public_id,
    )
