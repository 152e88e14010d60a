from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "apps.portal"
    label = "portal"

    def ready(self) -> None:
        """Fill the side navigation; apps that have built an area have registered it by now."""
        from .areas import register_areas  # noqa: PLC0415 - the app registry is complete only here

        register_areas()
