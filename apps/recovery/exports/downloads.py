"""Who fetched what of an export, and the end of fetching it."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Sum

from apps.activity.services import record
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict
from apps.core.permissions import Permission, require
from apps.jobs.models import Job

from ..models import Download
from .files import folder_of


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What one person has fetched of an export."""

    who: str
    times: int
    last_at: datetime


def download_note(job: Job, part: int, *, from_start: bool) -> None:
    """Count a download. One that goes on where it broke counts only when its person never began it."""
    actor = current_actor()
    with transaction.atomic():
        row, new = Download.objects.select_for_update().get_or_create(
            job=job,
            part=part,
            user_id=actor.user_id or 0,
            defaults={"account_id": job.account_id, "user_label": actor.label[:200]},
        )
        counted = new or from_start
        Download.objects.filter(pk=row.pk).update(times=F("times") + int(counted), last_at=clock.now())
        if counted:
            _record(job, "downloaded", f"{job.entity_label}, part {part}", part=part)


def fetchers_of(job: Job) -> list[Fetcher]:
    """Return who fetched parts, the last one first."""
    rows = (
        Download.objects.filter(job=job)
        .values("user_id")
        .annotate(who=Max("user_label"), count=Sum("times"), last=Max("last_at"))
    )
    return [Fetcher(row["who"], row["count"], row["last"]) for row in rows.order_by("-last", "user_id")]


def downloads_revoke(job: Job) -> None:
    """End all downloads of an export at once, by the link or by its page, and remove its files."""
    require(Permission.EXPORT)
    with transaction.atomic():
        held = Job.objects.select_for_update().get(pk=job.pk)
        if held.is_open:
            raise Conflict("The export is not done yet.", do="Cancel it instead.")
        if held.result.get("revoked"):
            return
        held.result = {**held.result, "revoked": {"at": clock.now().isoformat(), "by": current_actor().label}}
        held.save(update_fields=["result"])
        _record(job, "revoked", job.entity_label)
        transaction.on_commit(lambda: shutil.rmtree(folder_of(held), ignore_errors=True))


def _record(job: Job, verb: str, audited: str, **details: Any) -> None:
    record(
        f"export.{verb}",
        service=job.service,
        task_label=job.task_label,
        item_label=job.entity_label,
        subject_id=job.public_id,
        entity_id=job.entity_id,
        audited=audited,
        **details,
    )
