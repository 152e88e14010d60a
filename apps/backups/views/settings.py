"""The settings of one backup task."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission
from apps.vault.api import shelf_number_of

from .. import selectors
from ..access import task_for
from ..forms import TaskSettingsForm
from ..planning import task_schedule_words
from ..ruling import ruling_of_task
from ..services.tasks import change_settings
from .context import task_head


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Name, schedule, and what is listed and activated by itself."""
    task = task_for(task_id, Permission.MODIFY)
    form = TaskSettingsForm(request.POST or None, instance=task_for(task_id, Permission.MODIFY))
    if request.method == "POST" and form.is_valid():
        wanted = dict(form.cleaned_data)
        if "store" in wanted:
            wanted["shelf"] = shelf_number_of(wanted.pop("store"))
        changes = change_settings(task=task, **wanted)
        messages.info(request, "Settings saved." if changes else "Nothing was changed.")
        return redirect("task_settings", task_id)
    context = {
        **task_head(task, "settings"),
        "form": form,
        "schedule_words": task_schedule_words(task),
        "schedule_why": ruling_of_task(task, "schedule").why,
        "total": selectors.counters(task, selectors.Filters()),
    }
    return render(request, "backups/task_settings.html", context)
