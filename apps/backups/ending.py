"""What becomes of an account's backups when it is closed, and when it is deleted."""

from typing import Final

from django.db import connection
from django.db.models import Q

from apps.accounts.registry import StepResult
from apps.core import clock

from .engine.lease import DISPATCHED
from .models import Entity, NodeVersion

BATCH: Final = 5000


def stop_runs(account_id: int) -> None:
    """Let every backup that runs stop at its next page, and take back what only waits for a worker."""
    entities = Entity.objects.filter(account_id=account_id).exclude(lease_owner="")
    waiting = Q(lease_owner__startswith=DISPATCHED)
    entities.exclude(waiting).filter(lease_until__gte=clock.now()).update(cancel_requested=True)
    entities.filter(waiting).update(lease_owner="", lease_until=None)


def quiet(account_id: int) -> StepResult:
    """Wait until no worker holds an entity of the account."""
    stop_runs(account_id)
    held = Entity.objects.filter(lease_until__gte=clock.now()).exclude(lease_owner="")
    return StepResult(waits="a backup still runs" if held.exists() else "")


def forget_catalog(account_id: int) -> StepResult:
    """Delete what was seen of every mailbox: by entity, since that is how the table is found."""
    deleted = 0
    for entity_id in Entity.objects.values_list("pk", flat=True):
        versions = NodeVersion.objects.filter(entity_id=entity_id, account_id=account_id)
        while keys := list(versions.values_list("pk", flat=True)[:BATCH]):
            NodeVersion.objects.filter(pk__in=keys)._raw_delete(using=connection.alias)
            deleted += len(keys)
    return StepResult(proof={"versions": deleted})
