"""What becomes of plans, jobs and exports of an entity that is about to be destroyed (backups.deletion)."""

import shutil
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.core import clock
from apps.jobs.enums import OPEN_STATES, JobKind
from apps.jobs.models import Job

from .exports.files import folder_of
from .models import BeforeState, Plan


def settle(entity_id: UUID) -> str:
    """Wait for jobs at work; end what exports still hand out. The jobs' rows and ledgers keep their words.

    A plan that was carried out stays, without what it kept of contents: its undo needs it. What a restore
    replaced in the entity goes with it: its undo would have nowhere to go.
    """
    mine = Job.objects.filter(Q(entity_id=entity_id) | Q(destination_id=entity_id))
    if mine.filter(state__in=OPEN_STATES).exists():
        return "A restore or an export of one of them is still at work."
    for job in mine.filter(kind=JobKind.EXPORT):
        end_downloads(job.pk, "the deletion of its source")
        shutil.rmtree(folder_of(job), ignore_errors=True)
    plans = Plan.objects.filter(source__public_id=entity_id)
    plans.filter(job=None).delete()
    plans.update(samples=[])
    into = Plan.objects.filter(target__public_id=entity_id).exclude(job=None)
    BeforeState.objects.filter(job__in=into.values("job")).delete()
    return ""


@transaction.atomic
def end_downloads(pk: int, by: str) -> None:
    """End the downloads of an export, if nobody has yet."""
    job = Job.objects.select_for_update().get(pk=pk)
    if not job.result.get("revoked"):
        job.result = {
            **job.result,
            "revoked": {"at": clock.now().isoformat(), "by": by},
        }
        job.save(update_fields=["result"])
