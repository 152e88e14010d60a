from django.apps import AppConfig

from apps.activity.registry import register_codes


class AlertsConfig(AppConfig):
    name = "apps.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Give the acts of alerts their words; hear of snapshots; look for silent tasks."""
        _register_measuring()
        register_codes(
            "Alerts",
            {
                "alert.raised": "Alert raised",
                "alert.acknowledged": "Alert acknowledged",
                "alert.closed": "Alert over",
            },
        )


def _register_measuring() -> None:
    from django.db.models.signals import post_save  # noqa: PLC0415 - models come first

    from apps.backups.models import Snapshot  # noqa: PLC0415

    from . import pulling, registry, silent_tasks  # noqa: PLC0415

    post_save.connect(pulling.snapshot_came, sender=Snapshot, dispatch_uid="alerts")
    registry.register_check(silent_tasks.CHECK)
