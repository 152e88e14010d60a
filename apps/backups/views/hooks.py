"""Hooks of a backup task: the list with what became of their requests, and one of them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.errors import EverkeepError, InvalidRequest
from apps.core.permissions import Permission

from .. import selectors
from ..access import hook_for, task_for
from ..enums import LetterState
from ..hook_forms import HookForm
from ..hooks import services
from ..models import BackupTask, Hook, HookLetter
from .context import task_head

LOG = 50


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
@sudo_required()
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """All hooks of the task; a new one's secret is in the answer to the request that made it alone."""
    task = task_for(task_id, Permission.MODIFY)
    if request.headers.get("HX-Target") == "hook-log":
        return render(request, "backups/_hook_log.html", _log(task))
    form, secret = HookForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = services.hook_create(task=task, wanted=form.wanted())
        except EverkeepError as error:
            form.add_error("url", str(error))
        else:
            form = HookForm()
    context = {
        **task_head(task, "hooks"),
        **_log(task),
        "form": form,
        "secret": secret,
        "hooks": Hook.objects.filter(task=task).order_by("-moment", "pk"),
        "total": selectors.counters(task, selectors.Filters()),
    }
    return render(request, "backups/task_hooks.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
@sudo_required()
def edit(request: MemberRequest, hook_id: UUID) -> HttpResponse:
    """Change one."""
    hook = hook_for(hook_id)
    form, secret = HookForm(request.POST or None, hook=hook), ""
    if request.method == "POST" and form.is_valid():
        try:
            new_secret = form.cleaned_data["new_secret"]
            secret = services.hook_change(hook=hook, wanted=form.wanted(), new_secret=new_secret)
        except EverkeepError as error:
            form.add_error("url", str(error))
        else:
            if not secret:
                messages.success(request, "Hook saved.")
                return redirect("task_hooks", hook.task.public_id)
            hook.refresh_from_db()
            form = HookForm(hook=hook)
    context = {
        **task_head(hook.task, "hooks"),
        "form": form,
        "hook": hook,
        "secret": secret,
        "total": selectors.counters(hook.task, selectors.Filters()),
    }
    context["crumbs"][-1]["url"] = reverse("task", args=[hook.task.public_id])
    context["crumbs"].append({"words": "Hook", "url": ""})
    return render(request, "backups/hook.html", context, status=422 if form.errors else 200)


@require_POST
@member_required(Permission.MODIFY)
@sudo_required()
def act(request: MemberRequest, hook_id: UUID) -> HttpResponse:
    """Try one, or delete it."""
    hook = hook_for(hook_id)
    match request.POST.get("action"):
        case "try":
            services.hook_try(hook=hook)
            messages.info(request, "A request is on its way. What becomes of it stands below.")
        case "delete":
            services.hook_delete(hook=hook)
            messages.info(request, "The hook is deleted.")
        case _:
            raise InvalidRequest("That is nothing that can be done to a hook.", do="Use the buttons.")
    return redirect("task_hooks", hook.task.public_id)


def _log(task: BackupTask) -> dict[str, Any]:
    rows = HookLetter.objects.filter(hook__task=task).select_related("hook")
    letters = list(rows.order_by("-created_at", "-pk")[:LOG])
    return {"task": task, "letters": letters, "live": any(one.state == LetterState.WAITING for one in letters)}
