"""Doing a restore or an export again: all of it, or what it did not get done (`jobs.registry.Repeat`).

A restore becomes a plan, which is looked at and confirmed like any other: the mailbox has changed since. An
export writes nothing into a mailbox and begins at once.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from apps.backups.models import Snapshot
from apps.backups.selectors.points import point_of
from apps.core.errors import Conflict
from apps.core.permissions import Permission, require
from apps.jobs.base import NewItem
from apps.jobs.models import Job
from apps.jobs.selectors import items_not_done, items_of_job
from apps.jobs.services import job_create

from .models import Destination, Plan
from .restore.lanes import parts_of
from .restore.plan import Order, RestoreOptions, plan_write
from .tasks import make_plan

GONE = "The backup that it came from is no longer kept."
CHOOSE = "Choose another day and start anew."


@transaction.atomic
def repeat_restore(job: Job, failed_only: bool) -> str:
    """Write a plan of the same choice, mode and target; return its page. Raises Conflict."""
    require(Permission.RESTORE)
    rows = Plan.objects.select_related("run__entity", "source", "target").filter(job=job)
    old = rows.first()
    if old is None or old.run is None or old.source is None:
        raise Conflict(GONE, do=CHOOSE)
    kinds = _kinds(job, failed_only=failed_only)
    parts = parts_of(old)
    if kinds - {part.snapshot.sub_service for part in parts}:
        raise Conflict(GONE, do=CHOOSE)
    # The first run noted there that its letter to the mailbox was sent; this one wants a letter of its own.
    options = RestoreOptions(**old.options | {"notify": bool(old.options.get("notify"))})
    order = Order(old.target, old.mode, options, repeats=job, failed_only=failed_only)
    wanted = [part for part in parts if not failed_only or part.snapshot.sub_service in kinds]
    plan = plan_write(point=point_of(old.run), choices=wanted, order=order)
    make_plan.after_commit(account_id=plan.account_id, plan_id=plan.pk)
    return reverse("recovery_plan", args=[plan.public_id])


@transaction.atomic
def repeat_export(job: Job, failed_only: bool) -> str:
    """Start an export of the same items to the same place; return its page. Raises Conflict.

    One that is under way already, after a second click, is the answer to both.
    """
    require(Permission.EXPORT)
    list(Job.objects.select_for_update().filter(pk=job.pk))
    same = Job.objects.filter(repeats=job, failed_only=failed_only).order_by("-pk").first()
    if same is not None and same.is_open:
        return reverse("job", args=[same.public_id])
    params = job.params
    snapshots = params.get("snapshots", [])
    if not snapshots or len(snapshots) != Snapshot.objects.filter(public_id__in=snapshots).count():
        raise Conflict(GONE, do=CHOOSE)
    if (
        params.get("destination")
        and not Destination.objects.filter(public_id=UUID(params["destination"])).exists()
    ):
        raise Conflict("The place that it went to was removed.", do="Start an export to another.")
    new = job_create(
        kind=job.kind,
        items=_rows(job, failed_only=failed_only),
        # Empty folders are in the archives of the first one already.
        params=params | ({"folders": {}} if failed_only else {}),
        service=job.service,
        task_label=job.task_label,
        entity_label=job.entity_label,
        destination_label=job.destination_label,
        entity_id=job.entity_id,
        destination_id=job.destination_id,
        backup_date=job.backup_date,
        repeats=job,
        failed_only=failed_only,
    )
    return reverse("job", args=[new.public_id])


def _rows(job: Job, *, failed_only: bool) -> Iterator[NewItem]:
    rows = items_not_done(job) if failed_only else items_of_job(job)
    for item in rows.iterator():
        yield NewItem(
            key=item.key,
            label=item.label,
            folder_label=item.folder_label,
            size=item.size,
            node_version_id=item.node_version_id,
            details={name: item.details.get(name) for name in ("kind", "gone")},
        )


def _kinds(job: Job, *, failed_only: bool) -> set[str]:
    rows = items_not_done(job) if failed_only else items_of_job(job)
    return set(rows.order_by().values_list("details__kind", flat=True).distinct())
