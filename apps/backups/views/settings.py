"""The settings of one backup task."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import ask_again
from apps.core.permissions import Permission
from apps.vault.api import shelf_number_of

from .. import selectors
from ..access import task_for
from ..exclusion_forms import ExclusionsForm
from ..exclusions import Exclusions
from ..forms import TaskSettingsForm
from ..planning import task_schedule_words
from ..ruling import ruling_of_task
from ..services.policies import policy_assign, speaks_of_retention
from ..services.tasks import change_settings
from ..task_switches import SwitchesForm
from .context import task_head


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Name, schedule, and what is listed and activated by itself."""
    task = task_for(task_id, Permission.MODIFY)
    form = TaskSettingsForm(request.POST or None, instance=task_for(task_id, Permission.MODIFY))
    rule = Exclusions.from_json(task.exclusions)
    left_out = ExclusionsForm(request.POST or None, prefix="out", initial=ExclusionsForm.initial_of(rule))
    switches = SwitchesForm(request.POST or None, task=task)
    if request.method == "POST" and all([form.is_valid(), left_out.is_valid(), switches.is_valid()]):
        wanted, policy = dict(form.cleaned_data), form.cleaned_data["policy"]
        del wanted["policy"]
        if speaks_of_retention(task.policy, policy) and (answer := ask_again(request)):
            return answer
        wanted["exclusions"] = left_out.json()
        if "store" in wanted:
            wanted["shelf"] = shelf_number_of(wanted.pop("store"))
        changes = change_settings(task=task, **wanted)
        proposed = policy_assign(task=task, policy=policy)
        turned = switches.save()
        same = not changes and not turned and task.policy == policy
        done = "Nothing was changed." if same else "Settings saved."
        messages.info(request, done if proposed.done else f"{done} {proposed.said}")
        return redirect("task_settings", task_id)
    context = {
        **task_head(task, "settings"),
        "form": form,
        "left_out": left_out,
        "switches": switches,
        "left_out_why": ruling_of_task(task, "exclusions").why,
        "schedule_words": task_schedule_words(task),
        "schedule_why": ruling_of_task(task, "schedule").why,
        "total": selectors.counters(task, selectors.Filters()),
    }
    return render(request, "backups/task_settings.html", context)
