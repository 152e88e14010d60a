"""The page of one backup task: its mailboxes, their status, and what can be done with them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import reswap, retarget

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, require

from ..access import task_for
from ..services.actions import ACTIONS, act_on
from ..services.discovery import start_discovery
from . import tags
from .choices import TAGS, Choice, confirm_context
from .context import task_context


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Mailboxes of the task, filtered and paged by the address."""
    context = task_context(task_for(task_id), request.GET)
    return render_page_or_part(request, "backups/task.html", "backups/_task_list.html", context)


@require_safe
@member_required(Permission.VIEW)
def live(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """What moved since the page was drawn: the figures of its rows, or the list when its rows changed."""
    context = task_context(task_for(task_id), request.GET)
    if context["page"].fingerprint == request.GET.get("shown"):
        return render(request, "backups/_task_live.html", context)
    response = render(request, "backups/_task_list.html", {**context, "with_discovery": True})
    return reswap(retarget(response, "#entities"), "innerHTML")


@require_POST
@member_required(Permission.VIEW)
def act(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Do one thing to one row (`one` = "action:id"), to the ticked rows, or to all that the filter shows."""
    choice = Choice.of(task_for(task_id), request)
    if choice.action == TAGS:
        require(Permission.MODIFY)
        return tags.ask(request, choice)
    if choice.asks_again:
        require(ACTIONS[choice.action].permission)
        return render(request, "backups/confirm_act.html", confirm_context(choice, choice.action))
    said = act_on(task=choice.task, action=choice.action, entities=choice.entities, sure=choice.sure)
    messages.info(request, said)
    return redirect(choice.url)


@require_POST
@member_required(Permission.ACTIVATE)
def discover(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Look for new mailboxes now."""
    started = start_discovery(task=task_for(task_id, Permission.ACTIVATE))
    if not started:
        messages.info(request, "Already looking for mailboxes.")
    return redirect("task", task_id)
