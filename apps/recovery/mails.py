"""The mail to whoever started a job, when it is over."""

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import person_now
from apps.core.mails import note_mail
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job

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
    """Say how the job ended and where its report is (RST-01, EXP-05), to who still belongs to the account."""
    person = User.objects.filter(pk=job.initiator_id or 0).first()
    if person is None or person_now(person.pk) is None:
        return
    what = "Undo of the restore" if job.kind == JobKind.UNDO else JobKind(job.kind).label
    ending = _ENDINGS[JobState(job.state)]
    subject = " ".join(f"{what} of {job.entity_label} {ending}".split())
    send_mail(subject, _text(job, what, ending), settings.DEFAULT_FROM_EMAIL, [person.email])
    note_mail("job_ended", subject, person.email, service=job.service, entity_id=job.entity_id)


def _report(job: Job) -> list[str]:
    """Say what of a restore was not possible, and where it ended otherwise than planned."""
    if job.kind != JobKind.RESTORE:
        return []
    limited = job.items.filter(cause="not_possible").count()
    said = [f"Restored, but not in every attribute: {limited:,}"] if limited else []
    return said + [f"Other than planned: {line}" for line in job.result.get("drift", ())]


def tell_target_once(plan: Plan, job: Job) -> None:
    """Tell whose mailbox a restore writes into, if its plan says so: nobody shall wonder where mails come from.

    Noted before it is sent: a worker that is killed in between leaves it unsaid rather than said twice.
    """
    target = plan.target
    if not target.address or plan.options.get("notify") is not True:
        return
    plan.options |= {"notify": "sent"}
    plan.save(update_fields=["options"])
    subject = "Your mailbox is being restored"
    where = f"a new folder, “{plan.root_name}”" if plan.root_name else "their old places"
    lines = [
        f"Hello {target.name},",
        "",
        f"what was backed up of {job.entity_label} is being put back into your mailbox, into {where}.",
        "You need not do anything. Ask your administrator if you did not expect this.",
        "",
    ]
    send_mail(subject, "\n".join(lines), settings.DEFAULT_FROM_EMAIL, [target.address])
    note_mail(
        "mailbox_restored", subject, target.address, service=target.task.service, entity_id=target.public_id
    )


def _text(job: Job, what: str, ending: str) -> str:
    lines = [f"{what} of {job.entity_label} {ending}.", ""]
    if job.kind != JobKind.EXPORT:
        lines.append(f"Into: {job.destination_label}")
    if job.backup_date:
        lines.append(f"From the backup of {job.backup_date:%d %B %Y, %H:%M} UTC")
    verb = _VERBS[JobKind(job.kind)]
    lines += [
        "",
        f"{verb}: {job.items_done:,}",
        f"Skipped: {job.items_skipped:,}",
        f"Failed: {job.items_failed:,}",
    ]
    lines += _report(job)
    if job.message:
        lines += ["", job.message]
    sent = [part["name"] for part in job.result.get("parts", []) if part.get("sent")]
    if sent:
        lines += ["", f"In {job.destination_label}:", *sent]
    if job.kind == JobKind.EXPORT and is_valid(job):
        address = reverse("recovery_export_link", args=[link_token(job)])
        lines += ["", "Download within 72 hours, signed in to Everkeep:", settings.PORTAL_URL + address]
    lines += ["", "The report, item by item:", settings.PORTAL_URL + reverse("job", args=[job.public_id]), ""]
    return "\n".join(lines)
