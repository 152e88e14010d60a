"""How long and by which link an export can be fetched."""

from datetime import datetime, timedelta

from django.core import signing
from django.urls import reverse

from apps.core import clock
from apps.core.errors import NotFound
from apps.jobs.models import Job

VALID_FOR = timedelta(hours=72)
_SALT = "everkeep.recovery.export"


def link_token(job: Job) -> str:
    """Return the signed part of the link in the mail. It opens nothing by itself: who follows it signs in."""
    return signing.dumps(str(job.public_id), salt=_SALT)


def read_link_token(token: str) -> str:
    """Return the job's public id. Raises NotFound for a forged or outdated link."""
    try:
        return str(signing.loads(token, salt=_SALT, max_age=VALID_FOR))
    except signing.BadSignature:
        raise NotFound(
            "This link is not valid, or older than 72 hours.",
            do="Start the export again from the recovery page.",
        ) from None


def valid_until(job: Job) -> datetime | None:
    """Return until when the parts can be fetched; None while the job is open."""
    return job.finished_at + VALID_FOR if job.finished_at else None


def is_valid(job: Job) -> bool:
    """Tell whether there is something to fetch now."""
    until = valid_until(job)
    here = any(not part.get("sent") for part in job.result.get("parts", []))
    return here and not job.result.get("revoked") and until is not None and clock.now() < until


def downloads_url(job: Job) -> str:
    """Return where the parts are listed, "" when there are none any more (`jobs.registry`)."""
    return reverse("recovery_downloads", args=[job.public_id]) if is_valid(job) else ""
