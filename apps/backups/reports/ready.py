"""What reports and letters of backups register."""

from typing import Any

from apps.accounts.http import MemberRequest
from apps.accounts.registry import register_owner
from apps.activity.registry import register_codes
from apps.connectors.registry import register_lost
from apps.core import navigation
from apps.core.permissions import Permission
from apps.notifications.registry import Kind, SettingsPanel, register_kind, register_panel

from ..services.news import note_lost
from .services import begin_for_owner, last_report, settings_now
from .timing import rhythm_words


def register() -> None:
    """Kinds of letters, the page, and the words of what is recorded."""
    register_kind(Kind("summary", "Summary report", "How all backups stand, by mail.", order=10))
    register_kind(
        Kind(
            "exceptions",
            "Exceptions",
            "Failed backups, lost connections, what is no longer backed up.",
            order=30,
        )
    )
    register_kind(Kind("discovery", "Auto discovery", "What was found, activated, or is gone.", order=40))
    register_codes("Notifications", {"report.changed": "Summary report changed"})
    register_codes("Backup tasks", {"report.recipients": "Recipients of a report changed"})
    register_codes("Access", {"backup_report.downloaded": "Table of a backup report downloaded"})
    register_panel(SettingsPanel(10, "backups/_report_card.html", _card))
    register_lost("news", note_lost)
    register_owner(begin_for_owner)
    words = "How backups stand, sent by mail daily, weekly or monthly."
    navigation.register_section(
        navigation.Section("reports", "Reports", words, "mail", 46, "reports", Permission.NOTIFICATIONS)
    )


def _card(request: MemberRequest) -> dict[str, Any]:
    settings = settings_now()
    return {"settings": settings, "rhythm": rhythm_words(settings), "last": last_report()}
