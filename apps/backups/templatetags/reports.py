"""`{% load reports %}{% report_recipients task %}`: who gets a report of a task, or a mailbox."""

from typing import Any

from django import template
from django.urls import reverse

from apps.core.permissions import Permission, allowed

from ..models import BackupTask, Entity, ReportCopy
from ..reports.forms import AddressesForm
from ..reports.services import settings_now
from ..reports.timing import rhythm_words

register = template.Library()


@register.inclusion_tag("backups/_report_recipients.html", takes_context=True)
def report_recipients(
    context: template.Context, task: BackupTask, entity: Entity | None = None
) -> dict[str, Any]:
    """The card, for who decides where reports go."""
    if not allowed(Permission.NOTIFICATIONS):
        return {}
    copy = ReportCopy.objects.filter(task=task, entity=entity).first()
    address = (
        reverse("entity_reports", args=[entity.public_id])
        if entity
        else reverse("task_reports", args=[task.public_id])
    )
    return {
        "form": AddressesForm(initial={"addresses": "; ".join(copy.addresses) if copy else ""}),
        "address": address,
        "entity": entity,
        "rhythm": rhythm_words(settings_now()),
        "csrf_token": context.get("csrf_token"),
    }
