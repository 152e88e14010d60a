"""What becomes of an account's exports on disk when it is deleted."""

import shutil

from apps.accounts.registry import StepResult
from apps.jobs.enums import JobKind
from apps.jobs.models import Job

from .exports.files import folder_of


def delete_exports(account_id: int) -> StepResult:
    """Remove the files of every export, whether its links still work or not."""
    folders = [folder_of(job) for job in Job.objects.filter(kind=JobKind.EXPORT).iterator()]
    present = [folder for folder in folders if folder.exists()]
    for folder in present:
        shutil.rmtree(folder)
    return StepResult(proof={"folders": len(present)})
