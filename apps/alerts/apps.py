from django.apps import AppConfig

from apps.activity.registry import register_codes


class AlertsConfig(AppConfig):
    name = "apps.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Give the acts of alerts their words."""
        register_codes(
            "Alerts",
            {
                "alert.raised": "Alert raised",
                "alert.acknowledged": "Alert acknowledged",
                "alert.closed": "Alert over",
            },
        )
