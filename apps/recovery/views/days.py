"""Which day: the calendar of one mailbox."""

from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import entity_for
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed

from ..day_pages import day_page, days_url
from .browse import rights


@member_required(Permission.VIEW)
def page(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Show the month and the backups of one day."""
    entity = entity_for(entity_id)
    context = {
        "entity": entity,
        "days": day_page(entity, request.GET.dict()),
        "may_take_all": allowed(Permission.RESTORE) or allowed(Permission.EXPORT),
        "choose_url": days_url(entity),
        "full_url": days_url(entity, full=True),
        **rights(),
        "area": "recovery",
        "crumbs": [{"words": "Recovery", "url": reverse("recovery")}, {"words": entity.name, "url": ""}],
    }
    return render_page_or_part(request, "recovery/entity.html", "recovery/_days.html", context)
