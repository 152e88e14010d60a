"""Where other pages say that there are alerts: the navigation and the page of a mailbox."""

from django.http import HttpRequest
from django.urls import reverse

from apps.backups.entity_facts import Fact
from apps.backups.models import Entity
from apps.core.permissions import Permission, allowed

from .enums import AlertState
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
