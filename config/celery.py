"""The dispatcher. Static entries only: what is due is decided by rows, not by beat (docs/runs-and-jobs.md)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("everkeep", task_cls="apps.core.tasks:EverkeepTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["apps.accounts"], related_name="saml.tasks")
app.autodiscover_tasks(["apps.billing"], related_name="gateway.tasks")
app.autodiscover_tasks(related_name="discovery_tasks")
app.autodiscover_tasks(related_name="health_tasks")
app.autodiscover_tasks(related_name="standing_tasks")
