"""All addresses of the API, version 1. What they promise stands in its schema and in docs/api.md."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView

from apps.accounts import rest as accounts
from apps.activity import rest as activity
from apps.alerts import rest as alerts
from apps.backups import rest as backups
from apps.core.rest import Nowhere
from apps.jobs import rest as jobs

urlpatterns: list[URLPattern] = [
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("me", accounts.Me.as_view(), name="api_me"),
    path("account", accounts.AccountDetail.as_view(), name="api_account"),
    path("users", accounts.UserList.as_view(), name="api_users"),
    path("users/<uuid:user_id>", accounts.UserDetail.as_view(), name="api_user"),
    path("activity", activity.ActivityList.as_view(), name="api_activity"),
    path("audit", activity.AuditList.as_view(), name="api_audit"),
    path("tasks", backups.TaskList.as_view(), name="api_tasks"),
    path("tasks/<uuid:task_id>", backups.TaskDetail.as_view(), name="api_task"),
    path("tasks/<uuid:task_id>/actions", backups.TaskAct.as_view(), name="api_task_act"),
    path("tasks/<uuid:task_id>/entities", backups.EntityList.as_view(), name="api_entities"),
    path("entities/<uuid:entity_id>", backups.EntityDetail.as_view(), name="api_entity"),
    path("entities/<uuid:entity_id>/actions", backups.EntityAct.as_view(), name="api_entity_act"),
    path("entities/<uuid:entity_id>/runs", backups.RunList.as_view(), name="api_runs"),
    path("entities/<uuid:entity_id>/snapshots", backups.SnapshotList.as_view(), name="api_snapshots"),
    path("runs/<uuid:run_id>", backups.RunDetail.as_view(), name="api_run"),
    path("alerts", alerts.AlertList.as_view(), name="api_alerts"),
    path("alerts/<uuid:alert_id>", alerts.AlertDetail.as_view(), name="api_alert"),
    path("jobs", jobs.JobList.as_view(), name="api_jobs"),
    path("jobs/<uuid:job_id>", jobs.JobDetail.as_view(), name="api_job"),
    path("jobs/<uuid:job_id>/cancel", jobs.JobCancel.as_view(), name="api_job_cancel"),
    path("<path:rest>", Nowhere.as_view(), name="api_nowhere"),
]
