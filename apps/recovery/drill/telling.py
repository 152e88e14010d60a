"""The mail to administrators when a drill did not pass."""

import logging

from django.conf import settings
from django.core.mail import send_mail

from apps.accounts.enums import Role
from apps.accounts.models import User
from apps.core import navigation
from apps.core.mails import note_mail

from ..models import Drill

log = logging.getLogger("everkeep.recovery")


def tell_administrators(drill: Drill) -> None:
    """Say what failed and where to look. A mail that cannot be sent is logged; the Health page says it too."""
    people = User.objects.filter(
        memberships__account_id=drill.account_id, memberships__role=Role.ADMINISTRATOR,
        memberships__is_active=True, is_active=True,
    )  # fmt: skip
    subject = " ".join(f"Restore drill of {drill.task.name}: {drill.get_state_display().lower()}".split())
    lines = [
        f"The weekly restore drill of “{drill.task.name}” did not pass.",
        "",
        drill.message,
        "",
        f"Restored to memory: {drill.items:,}",
        f"Not as they were: {drill.failed:,}",
        "",
        "What is damaged is fetched again from its source by the next backups. See the report, item by item:",
        settings.PORTAL_URL + navigation.link("health"),
        "",
    ]
    for person in people.distinct():
        try:
            send_mail(subject, "\n".join(lines), settings.DEFAULT_FROM_EMAIL, [person.email])
            note_mail("drill_failed", subject, person.email, service=drill.task.service)
        except OSError:
            log.exception("the mail about drill %s could not be sent", drill.public_id)
