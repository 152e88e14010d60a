from django.apps import AppConfig

from .memory import collect_cycles_seldom, share_one_heap


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        share_one_heap()
        collect_cycles_seldom()
