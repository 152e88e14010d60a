"""From an id in a request to a job."""

from uuid import UUID

from apps.accounts.selectors import person_now
from apps.core.actor import acting_as
from apps.core.errors import NotFound
from apps.core.permissions import Permission, allowed, may_name_contents, require

from .enums import JobKind
from .models import Job


def job_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Job:
    """Return the account's job. Foreign and missing are NotFound; without the right, PermissionMissing."""
    job = Job.objects.filter(public_id=public_id).first()
    if job is None:
        raise NotFound("This job does not exist, or it is not yours to see.")
    require(permission)
    return job


_RIGHTS = {
    JobKind.RESTORE: Permission.RESTORE,
    JobKind.UNDO: Permission.RESTORE,
    JobKind.EXPORT: Permission.EXPORT,
    JobKind.MOVE: Permission.ACCOUNT_SETTINGS,
    JobKind.USAGE: Permission.VIEW,
}


def still_allowed(job: Job) -> bool:
    """Tell, before a worker begins or goes on, whether who started the job could start it today.

    They belong to the account, hold the right, and see the service and every mailbox of the job.
    """
    if job.initiator_id is None:
        return True
    person = person_now(job.initiator_id)
    if person is None:
        return False
    with acting_as(person):
        return allowed(_RIGHTS[JobKind(job.kind)]) and Job.objects.filter(pk=job.pk).exists()


def may_see_items(job: Job) -> bool:
    """Tell whether the actor may read what is in the job: subjects, names of files, packs of a move."""
    return may_name_contents() or (job.kind == JobKind.MOVE and allowed(Permission.ACCOUNT_SETTINGS))
