"""The letters about restores and exports that are over."""

from typing import Any

from django.db import transaction
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import person_now
from apps.core.actor import current_actor
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job
from apps.notifications.enums import NOTICE
from apps.notifications.letters import Letter
from apps.notifications.services import letter_store, notify

from .exports.links import is_valid, link_token
from .models import Plan

_VERBS = {
    JobKind.RESTORE: "Restored and read back",
    JobKind.UNDO: "Taken back",
    JobKind.EXPORT: "Exported",
}
_ENDINGS = {
    JobState.SUCCEEDED: "is done",
    JobState.PARTIAL: "is done in part",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
}


def tell_initiator(job: Job) -> None:
    """Say how the job ended and where its report is (RST-01, EXP-05).

    To who started it and still belongs to the account, and to the recipients of recovery who see its mailboxes.
    """
    person = User.objects.filter(pk=job.initiator_id or 0).first()
    mine = [person.email] if person is not None and person_now(person.pk) is not None else []
    notify("recovery", lambda: _letter(job), extra=mine)


def _letter(job: Job) -> Letter | None:
    """The letter to the actor in force, if they see both mailboxes."""
    if not Job.objects.filter(pk=job.pk).exists():
        return None
    what = "Undo of the restore" if job.kind == JobKind.UNDO else JobKind(job.kind).label
    here = job.kind == JobKind.EXPORT and is_valid(job)
    mine = job.initiator_id is not None and current_actor().user_id == job.initiator_id
    page = reverse("job", args=[job.public_id])
    link = reverse("recovery_export_link", args=[link_token(job)]) if here and mine else page
    return Letter(
        "job_ended",
        {
            "job": job,
            "what": what,
            "ending": _ENDINGS[JobState(job.state)],
            "verb": _VERBS[JobKind(job.kind)],
            "done": f"{job.items_done:,}",
            "skipped": f"{job.items_skipped:,}",
            "failed": f"{job.items_failed:,}",
            "is_export": job.kind == JobKind.EXPORT,
            "report": _report(job),
            "sent": [part["name"] for part in job.result.get("parts", []) if part.get("sent")],
            "ready": here and mine,
        },
        link=link,
        link_words="Download it" if link != page else "See the report, item by item",
        facts=_facts(job),
        service=job.service,
        entity_id=job.entity_id,
    )


def _facts(job: Job) -> dict[str, Any]:
    return {
        "job": str(job.public_id),
        "kind": job.kind,
        "state": job.state,
        "mailbox": job.entity_label,
        "items": {"done": job.items_done, "skipped": job.items_skipped, "failed": job.items_failed},
        "message": job.message,
    }


def _report(job: Job) -> list[str]:
    """Say what of a restore was not possible, and where it ended otherwise than planned."""
    if job.kind != JobKind.RESTORE:
        return []
    limited = job.items.filter(cause="not_possible").count()
    said = [f"Restored, but not in every attribute: {limited:,}"] if limited else []
    return said + [f"Other than planned: {line}" for line in job.result.get("drift", ())]


@transaction.atomic
def tell_target_once(plan: Plan, job: Job) -> None:
    """Tell whose mailbox a restore writes into, if its plan says so: nobody shall wonder where mails come from.

    The letter is written with the note that it is: there are both, or neither.
    """
    target = plan.target
    if not target.address or plan.options.get("notify") is not True:
        return
    plan.options |= {"notify": "sent"}
    plan.save(update_fields=["options"])
    words = {"name": target.name, "source": job.entity_label, "root": plan.root_name}
    letter = Letter("mailbox_restored", words, service=target.task.service, entity_id=target.public_id)
    letter_store(NOTICE, letter, target.address, None)
