from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "apps.activity"
    label = "activity"

    def ready(self) -> None:
        from apps.core.navigation import Area, register_area  # noqa: PLC0415 - the app registry is complete only here

        register_area(Area("activity", "Activity", "activity", 50, "activity_list"))
