from django.apps import AppConfig
from django.http import HttpRequest


class JobsConfig(AppConfig):
    name = "apps.jobs"
    label = "jobs"

    def ready(self) -> None:
        from apps.activity.registry import register_codes  # noqa: PLC0415 - the app registry is complete only here
        from apps.core.navigation import Area, register_area  # noqa: PLC0415
        from apps.core.permissions import Permission  # noqa: PLC0415

        kinds = ("restore", "Restore"), ("undo", "Undo"), ("export", "Export"), ("move", "Move")
        for kind, words in (*kinds, ("usage", "Usage report")):
            register_codes(
                words,
                {
                    f"{kind}.started": f"{words} started",
                    f"{kind}.cancel_requested": f"{words}: cancel asked for",
                    f"{kind}.finished": f"{words} ended",
                },
                outcomes=[f"{kind}.finished"],
            )
        from apps.accounts.registry import ClosingStep, register_closing_step, register_linked  # noqa: PLC0415

        from .ending import stop_jobs  # noqa: PLC0415
        from .models import Job  # noqa: PLC0415

        register_closing_step(ClosingStep(10, "jobs", stop_jobs))
        register_linked(job_id=Job)
        register_codes("Access", {"report.downloaded": "Report of a job taken as a file"})
        may = Permission.VIEW
        register_area(Area("jobs", "Jobs", "jobs", 40, "job_list", badge=_open_jobs, permission=may))


def _open_jobs(request: HttpRequest) -> int:
    from apps.core.permissions import Permission, allowed  # noqa: PLC0415

    from .selectors import open_job_count  # noqa: PLC0415 - models are loaded only after this module

    return open_job_count() if getattr(request, "account", None) and allowed(Permission.VIEW) else 0
