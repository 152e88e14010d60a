from django.apps import AppConfig

from apps.activity.registry import register_codes
from apps.core import navigation


class BackupsConfig(AppConfig):
    name = "apps.backups"
    label = "backups"

    def ready(self) -> None:
        """Tell the frame where a backup task is added, and the activity what our codes mean."""
        navigation.register_link("add_task", "task_new")
        register_codes(
            "Backup tasks",
            {
                "task.created": "Backup task created",
                "task.changed": "Backup task changed",
                "task.discovered": "Looked for new entities",
                "entity.activated": "Activated",
                "entity.paused": "Paused",
                "entity.resumed": "Resumed",
            },
        )
        register_codes(
            "Backups",
            {
                "run.ordered": "Backup ordered",
                "run.cancelled": "Backup cancelled",
                "run.finished": "Backup finished",
            },
            outcomes=["run.finished"],
        )
