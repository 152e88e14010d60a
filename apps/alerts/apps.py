from django.apps import AppConfig

from apps.activity.registry import register_codes


class AlertsConfig(AppConfig):
    name = "apps.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Give the acts of alerts their words; hear of snapshots; register pages, letters and checks."""
        _register_measuring()
        _register_pages()
        _register_standing()
        register_codes(
            "Alerts",
            {
                "alert.raised": "Alert raised",
                "alert.acknowledged": "Alert acknowledged",
                "alert.closed": "Alert over",
                "alerts.changed": "Settings of alerts changed",
            },
        )


def _register_measuring() -> None:
    from django.db.models.signals import post_save  # noqa: PLC0415 - models come first

    from apps.backups.models import Snapshot  # noqa: PLC0415

    from . import pulling, registry, silent_tasks  # noqa: PLC0415

    post_save.connect(pulling.snapshot_came, sender=Snapshot, dispatch_uid="alerts")
    registry.register_check(silent_tasks.CHECK)


def _register_pages() -> None:
    from apps.backups.entity_facts import register_entity_facts  # noqa: PLC0415 - models are loaded only here
    from apps.backups.registry import register_warner  # noqa: PLC0415
    from apps.backups.task_tabs import register_task_tab  # noqa: PLC0415
    from apps.core.navigation import Area, Section, register_area, register_section  # noqa: PLC0415
    from apps.core.permissions import Permission  # noqa: PLC0415

    from . import ties  # noqa: PLC0415

    may = Permission.VIEW
    register_area(
        Area(
            "alerts", "Alerts", "bell", 45, "alerts", badge=ties.open_alerts, badge_words="open", permission=may
        )
    )
    words = "What raises an alert, how soon, and what is kept from expiring by itself."
    register_section(Section("alerts", "Alerts", words, "bell", 26, "alert_settings"))
    register_task_tab("alerts", "Alerts", "task_alerts", order=30)
    register_entity_facts(ties.facts_of)
    register_warner("alerts", ties.critical_alerts)


def _register_standing() -> None:
    """The checks, and who hears of an alert: first the hold, so that the letter can tell of it."""
    from django.db.models.signals import post_save  # noqa: PLC0415 - models come first

    from apps.backups.models import Snapshot  # noqa: PLC0415
    from apps.notifications.registry import Kind, register_kind  # noqa: PLC0415

    from . import acts, notices, standing  # noqa: PLC0415
    from .registry import register_listener  # noqa: PLC0415
    from .standing import forwards  # noqa: PLC0415

    standing.register()
    post_save.connect(forwards.snapshot_came, sender=Snapshot, dispatch_uid="alerts.rules")
    register_listener("a_hold", acts.hold_by_itself)
    register_listener("letter", notices.tell)
    words = "What is not as usual: severe alerts at once, the others once a day in one letter."
    register_kind(Kind(notices.KIND, "Alerts", words, order=40, page="alerts"))
