"""The guided onboarding of a task: what is needed, what it will take, how it goes."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import task_for
from apps.core.errors import InvalidRequest, NotFound
from apps.core.permissions import Permission

from ..models import Onboarding
from ..onboarding import selectors, services
from ..onboarding.checks import check
from .context import activation_panel


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Checks and plan before it begins; figures, forecast and days once it runs."""
    task = task_for(task_id)
    context = {**activation_panel(task), "view": selectors.view_of(task)}
    if request.GET.get("check"):
        context["checks"] = check(task.connection)
    return render(request, "activation/onboarding.html", context)


@require_POST
@member_required(Permission.ACTIVATE)
def act(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Begin, pause or go on."""
    task = task_for(task_id, Permission.ACTIVATE)
    action = request.POST.get("action", "")
    if action == "begin":
        services.begin(task=task)
        messages.info(request, "Started. The first batch begins within moments.")
    elif action in ("pause", "resume"):
        found = Onboarding.objects.filter(task=task).first()
        if found is None:
            raise NotFound("There is no onboarding of this task.", do="Start one first.")
        (services.pause if action == "pause" else services.resume)(onboarding=found)
    else:
        raise InvalidRequest("That is nothing that an onboarding does.", do="Use the buttons of the page.")
    return redirect("onboarding", task_id)
