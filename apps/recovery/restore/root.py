"""The name of the new folder of a restore, settled when the first worker begins."""

from collections.abc import Sequence

from apps.connectors.base import Upsert
from apps.jobs.models import Job

from ..enums import RestoreMode
from ..models import MadeFolder, Plan
from .folders import ROOT, free_root_name


def wanted_root(plan: Plan) -> str:
    """Return how the new folder would be called in a mailbox that has none of that name."""
    return str(plan.options.get("root") or plan.mark)


def settle_root(plan: Plan, job: Job, live: Sequence[Upsert]) -> str:
    """Return the name, durably the same for every worker of the job; "" when the mode makes no new folder.

    Two plans may have been made before one of them began: the later gets a number, restores never mix.
    """
    if plan.mode != RestoreMode.NEW_ROOT:
        return ""
    row = MadeFolder.objects.filter(job=job, kind="", source=ROOT).first()
    if row is None:
        name = free_root_name(live, wanted_root(plan))
        row = MadeFolder.objects.create(account_id=job.account_id, job=job, kind="", source=ROOT, name=name)
        Plan.objects.filter(pk=plan.pk).update(root_name=name)
    plan.root_name = row.name
    return row.name
