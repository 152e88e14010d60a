"""What can be recovered."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import task_for
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed
from apps.core.typed import typed

from ..lists import STATUSES, ListFilter, list_page


@member_required(Permission.VIEW)
def of_task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """From a task's card to its part of the list."""
    task = task_for(task_id)
    return redirect(f"{reverse('recovery')}?{urlencode({'task': task.public_id})}")


@member_required(Permission.VIEW)
def page(request: MemberRequest) -> HttpResponse:
    """List entities with their first and last backup (BRW-02)."""
    query = request.GET
    wanted = ListFilter(typed(query), query.get("task", ""), query.get("status", ""))
    found = list_page(wanted, query.get("after", ""))
    pairs = {"q": wanted.text, "task": wanted.task, "status": wanted.status, "after": found.after}
    context = {
        "wanted": wanted,
        "list": found,
        "statuses": STATUSES,
        "next_url": f"{reverse('recovery')}?{urlencode(pairs)}" if found.after else "",
        "may_restore": allowed(Permission.RESTORE),
        "area": "recovery",
    }
    return render_page_or_part(request, "recovery/list.html", "recovery/_list.html", context)
