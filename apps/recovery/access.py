"""From an id in a request to a backup, a plan or an export."""

from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from apps.backups.enums import EntityState
from apps.backups.models import Entity, Run, Snapshot
from apps.backups.selectors.nights import KEPT
from apps.backups.selectors.points import Point, point_of
from apps.core.actor import current_actor
from apps.core.errors import NotFound
from apps.core.permissions import Permission, require, require_contents
from apps.core.sight import sees_everything

from .models import Destination, Drill, Plan

_WHOLE: Final = {"run__isnull": False, "source__isnull": False}  # what it restores was not deleted since
_LEAVING: Final = (EntityState.ARCHIVED, EntityState.DELETING)


def snapshot_for(public_id: UUID, permission: Permission | None = None) -> Snapshot:
    """Return the account's snapshot with its entity and task. Raises NotFound, or PermissionMissing.

    Without `permission` for what names its contents and opens none.
    """
    snapshot = (
        Snapshot.objects.select_related("entity__task__connection", "run")
        .defer("cursor", "coverage")
        .filter(public_id=public_id)
        .first()
    )
    if snapshot is None:
        raise NotFound("There is no such backup.", do="Choose a day from the calendar of its mailbox.")
    require(permission) if permission else require_contents()
    return snapshot


def point_for(public_id: UUID, permission: Permission | None = None) -> Point:
    """Return a point in time by its run. Raises NotFound, PermissionMissing."""
    run = Run.objects.select_related("entity__task__connection").filter(public_id=public_id).first()
    point = point_of(run) if run else None
    if point is None or not point.snapshots:
        raise NotFound("There is no such backup.", do="Choose a day from the calendar of its mailbox.")
    require(permission) if permission else require_contents()
    if point.run.verdict in KEPT and all(map(point.is_older, point.snapshots)):
        raise NotFound(
            "This backup was let go by the rule of retention.",
            do="Choose a day from the calendar of its mailbox.",
        )
    return point


def snapshot_at(point: Point, kind: str) -> Snapshot:
    """Return the point's snapshot of that kind of data, the first one for "". Raises NotFound."""
    found = point.snapshot(kind) if kind else point.snapshots[0]
    if found is None:
        raise NotFound("This backup holds no such kind of data.", do="Choose one of those that are shown.")
    return found


def plan_for(public_id: UUID) -> Plan:
    """Return a plan that the actor made. Raises NotFound, or PermissionMissing without the right to restore."""
    plan = (
        Plan.objects.select_related(
            "run", "source__task__connection", "target__task__connection", "job", "undo"
        )
        .filter(public_id=public_id, user_id=current_actor().user_id or 0, **_WHOLE)
        .first()
    )
    if plan is None:
        raise NotFound("There is no such plan.", do="Choose what to restore and make a new one.")
    require(Permission.RESTORE)
    return plan


def restore_for(job_id: UUID) -> Plan:
    """Return the plan that a restore job followed, whoever made it. Raises NotFound, PermissionMissing."""
    plan = Plan.objects.select_related("job", "undo").filter(job__public_id=job_id).first()
    if plan is None:
        raise NotFound("There is no such restore.", do="Look for it among the jobs.")
    require(Permission.RESTORE)
    return plan


def batch_for(batch: UUID) -> list[Plan]:
    """Return the plans that the actor made together. Raises NotFound, PermissionMissing."""
    rows = Plan.objects.select_related("run", "source__task__connection", "target__task__connection", "job")
    plans = list(rows.filter(batch=batch, user_id=current_actor().user_id or 0, **_WHOLE).order_by("pk"))
    if not plans:
        raise NotFound("There are no such plans.", do="Choose the mailboxes again.")
    require(Permission.RESTORE)
    return plans


def targets_for(source: Entity, *, abroad: bool = True) -> "QuerySet[Entity]":
    """Return the other mailboxes that the actor sees, of the same service, that are there to be written into.

    Without `abroad` those of the source's own organisation.
    """
    rows = Entity.objects.select_related("task__connection").filter(task__service=source.task.service)
    if not abroad:
        rows = rows.filter(task__connection__tenant_id=source.task.connection.tenant_id)
    return rows.filter(reachable=True).exclude(pk=source.pk).exclude(state__in=_LEAVING).order_by("name", "pk")


def target_for(public_id: str, source: Entity, *, abroad: bool = True) -> Entity:
    """Return the mailbox to restore into. Raises NotFound, PermissionMissing."""
    try:
        wanted = UUID(public_id)
    except ValueError:
        raise NotFound("There is no such mailbox.", do="Choose one that is found.") from None
    found = targets_for(source, abroad=abroad).filter(public_id=wanted).first()
    if found is None:
        raise NotFound("There is no such mailbox to restore into.", do="Choose one that is found.")
    require(Permission.RESTORE)
    return found


def report_in_sight(drill: Drill) -> bool:
    """Tell whether the actor sees every mailbox that the drill's report names."""
    if sees_everything():
        return True
    return Entity.objects.filter(public_id__in=drill.entities).count() == len(drill.entities)


def destination_for(public_id: UUID) -> Destination:
    """Return a place that exports go to. Raises NotFound, or PermissionMissing."""
    require(Permission.ACCOUNT_SETTINGS)
    found = Destination.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such destination.", do="Choose one from the list.")
    return found
