"""Where others say that there are alerts: the navigation, the page of a mailbox, reports."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import ngettext

from apps.backups.entity_facts import Fact
from apps.backups.models import BackupTask, Entity
from apps.backups.registry import Warned
from apps.core.counting import count_up_to, counted_words
from apps.core.permissions import Permission, allowed

from .enums import AlertState, Severity
from .models import Alert
from .selectors import open_count


def open_alerts(request: HttpRequest) -> int:
    """How many are open of what this person sees."""
    return open_count() if getattr(request, "account", None) and allowed(Permission.VIEW) else 0


def facts_of(entity: Entity) -> list[Fact]:
    """The open alerts of a mailbox, each a line of its page."""
    rows = Alert.objects.filter(entity=entity, state=AlertState.OPEN).order_by("-opened_at", "-pk")[:5]
    return [
        Fact("Alert", alert.get_kind_display(), url=reverse("alert", args=[alert.public_id])) for alert in rows
    ]


def critical_alerts(task: BackupTask | None, entity: Entity | None) -> Warned | None:
    """The critical ones that nobody has acknowledged, for a report: of a task, a mailbox, or all."""
    rows = Alert.objects.filter(state=AlertState.OPEN, severity=Severity.CRITICAL)
    query = {"severity": Severity.CRITICAL.value}
    if task is not None:
        rows, query = rows.filter(task=task), query | {"task": str(task.public_id)}
    if entity is not None:
        rows, query = rows.filter(entity=entity), query | {"q": entity.name[:100]}
    if not (number := count_up_to(rows)):
        return None
    words = ngettext("%(n)s critical alert is open", "%(n)s critical alerts are open", number)
    said = words % {"n": counted_words(number)}
    return Warned(number, said, f"{reverse('alerts')}?{urlencode(query)}")
