"""What is counted, what it costs, and what was paid."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "apps.billing"
    label = "billing"

    def ready(self) -> None:
        from .ready import register_pages  # noqa: PLC0415
        from .wiring import register_billing  # noqa: PLC0415 - models come first

        register_billing()
        register_pages()
