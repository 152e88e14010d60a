"""The name of the new folder of a restore, settled when the first worker begins."""

from collections.abc import Sequence

from django.db import transaction

from apps.backups.models import Entity
from apps.connectors.base import Upsert
from apps.core.sight import whole_sight
from apps.jobs.enums import OPEN_STATES
from apps.jobs.models import Job

from ..enums import RestoreMode
from ..models import MadeFolder, Plan
from .folders import ROOT, free_root_name


def wanted_root(plan: Plan) -> str:
    """Return how the new folder would be called in a mailbox that has none of that name."""
    return str(plan.options.get("root") or plan.mark)


def settle_root(plan: Plan, job: Job, live: Sequence[Upsert]) -> str:
    """Return the name, durably the same for every worker of the job; "" when the mode makes no new folder.

    Two plans may have been made before one of them began: the later gets a number, restores never mix. Nor do
    two that begin at once, when neither has made its folder yet.
    """
    if plan.mode != RestoreMode.NEW_ROOT:
        return ""
    with transaction.atomic():
        list(Entity.objects.select_for_update(of=("self",)).filter(pk=plan.target_id).values_list("pk"))
        row = MadeFolder.objects.filter(job=job, kind="", source=ROOT).first()
        if row is None:
            taken = [folder.name for folder in live] + _settled_by_others(plan)
            name = free_root_name(taken, wanted_root(plan))
            row = MadeFolder.objects.create(account_id=job.account_id, job=job, kind="", source=ROOT, name=name)
            Plan.objects.filter(pk=plan.pk).update(root_name=name)
    plan.root_name = row.name
    return row.name


@whole_sight("restores do not mix, whoever sees them")
def _settled_by_others(plan: Plan) -> list[str]:
    """Return the names that restores into this mailbox have settled on that are not over."""
    others = Plan.objects.filter(target_id=plan.target_id, job__state__in=OPEN_STATES).exclude(pk=plan.pk)
    rows = MadeFolder.objects.filter(job__in=others.values("job"), kind="", source=ROOT)
    return list(rows.values_list("name", flat=True))
