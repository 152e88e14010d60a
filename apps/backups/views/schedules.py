"""When a backup task runs."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission

from .. import selectors
from ..access import task_for
from ..planning import task_schedule_words
from ..ruling import ruling_of_task
from ..schedule_forms import ChainForm, ScheduleEditor
from ..schedules import Schedule
from ..services.tasks import change_settings
from .context import task_head


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """The task's own schedules, and the task that it follows."""
    task = task_for(task_id, Permission.MODIFY)
    posted = request.POST if request.method == "POST" else None
    own = Schedule.from_json(task.schedule)
    editor = ScheduleEditor(own, posted)
    chain = ChainForm(task, posted)
    if posted is not None and not editor.adds and editor.is_valid() and chain.is_valid():
        wanted = dict(chain.cleaned_data)
        if editor.schedule != own:
            wanted["schedule"] = editor.schedule.to_json()
        changes = change_settings(task=task, **wanted)
        messages.info(request, "Schedule saved." if changes else "Nothing was changed.")
        return redirect("task_schedule", task_id)
    context = {
        **task_head(task, "schedule"),
        "editor": editor,
        "chain": chain,
        "ruling": ruling_of_task(task, "schedule"),
        "schedule_words": task_schedule_words(task),
        "total": selectors.counters(task, selectors.Filters()),
    }
    return render(request, "backups/task_schedule.html", context)
