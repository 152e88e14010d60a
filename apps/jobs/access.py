"""From an id in a request to a job."""

from uuid import UUID

from apps.core.actor import current_actor
from apps.core.errors import NotFound
from apps.core.permissions import Permission, allowed, require

from .models import Job


def job_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Job:
    """Return the account's job. Foreign and missing are NotFound; without the right, PermissionMissing."""
    job = Job.objects.filter(public_id=public_id).first()
    if job is None:
        raise NotFound("This job does not exist, or it is not yours to see.")
    require(permission)
    return job


def may_see_items(job: Job) -> bool:
    """Tell whether the actor may read what is in the job: subjects of mails, names of files."""
    actor = current_actor()
    started_it = actor.user_id is not None and actor.user_id == job.initiator_id
    return started_it or any(
        allowed(right) for right in (Permission.PREVIEW, Permission.RESTORE, Permission.EXPORT)
    )
