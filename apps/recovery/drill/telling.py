"""The mail to administrators when a drill did not pass."""

from django.db import transaction

from apps.accounts.selectors import administrators
from apps.core import navigation
from apps.notifications.enums import NOTICE
from apps.notifications.letters import Letter
from apps.notifications.services import letter_store

from ..models import Drill


@transaction.atomic
def tell_administrators(drill: Drill) -> None:
    """Say what failed and where to look; the Health page says it too."""
    words = {
        "task": drill.task.name,
        "state": drill.get_state_display().lower(),
        "message": drill.message,
        "items": f"{drill.items:,}",
        "failed": f"{drill.failed:,}",
    }
    letter = Letter(
        "drill_failed",
        words,
        link=navigation.link("health"),
        link_words="See the report, item by item",
        service=drill.task.service,
    )
    for address in administrators(drill.account_id):
        letter_store(NOTICE, letter, address, None)
