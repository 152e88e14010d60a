from typing import Any

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    name = "apps.connectors"
    label = "connectors"

    def ready(self) -> None:
        """Name services and the acts on connections for lower apps, and what a new master key concerns."""
        from apps.activity.registry import register_codes, register_services  # noqa: PLC0415 - apps are ready here
        from apps.core.rotation import register_sealed_field  # noqa: PLC0415

        from .enums import Service, SubService  # noqa: PLC0415

        register_services(dict(Service.choices), dict(SubService.choices))
        register_sealed_field("connectors.Connection", "sealed_credential", _purpose)

        register_codes(
            "Connections",
            {
                "connection.created": "Organisation connected",
                "connection.reauthenticated": "Organisation authenticated again",
                "connection.lost": "Sign-in at the provider lost",
                "connection.noted": "End of a client secret noted",
                "connection.regained": "Sign-in at the provider works again",
            },
        )


def _purpose(connection: Any) -> str:
    from .services import credential_purpose  # noqa: PLC0415 - spares each start the clients' libraries

    return credential_purpose(connection.public_id)
