"""Deleting backups: the question with all that would go, the list of what waits, and taking it back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.errors import InvalidRequest
from apps.core.keyset import page_of
from apps.core.permissions import Permission

from .. import selectors
from ..access import entity_for, task_for
from ..deletion.facts import What, open_deletions, what_of
from ..deletion.order import GRACE, delete_wish, deletion_cancel
from ..enums import DeletionState
from ..models import BackupTask, Deletion, Entity


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.DELETE)
@sudo_required(reading=True)
def task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """The whole task with everything in it."""
    found = task_for(task_id, Permission.DELETE)
    what = what_of(found, Entity.objects.filter(task=found), whole=True)
    return _question(request, what, reverse("task_delete", args=[task_id]))


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.DELETE)
@sudo_required(reading=True)
def entity(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """One mailbox."""
    found = entity_for(entity_id, Permission.DELETE)
    what = what_of(found.task, Entity.objects.filter(pk=found.pk))
    return _question(request, what, reverse("entity_delete", args=[entity_id]))


@require_POST
@member_required(Permission.DELETE)
@sudo_required()
def chosen(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """The ticked rows of a task's list, or all that its filter shows."""
    found = task_for(task_id, Permission.DELETE)
    address = reverse("entities_delete", args=[task_id])
    query = request.GET.urlencode()
    return _question(request, what_of(found, _chosen(request, found)), f"{address}?{query}".rstrip("?"))


def _chosen(request: MemberRequest, found: BackupTask) -> QuerySet[Entity]:
    if request.POST.get("all_matching"):
        return selectors.matching_surely(found, selectors.Filters.from_query(request.GET))
    return selectors.chosen(found, request.POST.getlist("entity"))


def _question(request: MemberRequest, what: What, address: str) -> HttpResponse:
    """Ask, with everything that would go; act once the words were typed."""
    back = reverse("task", args=[what.task.public_id])
    error = ""
    if request.method == "POST" and "typed" in request.POST:
        try:
            if request.POST.get("meant", what.mark) != what.mark:
                raise InvalidRequest(
                    "Others match by now than were shown.", do="Look at them and type it again."
                )
            proposed = delete_wish(what, typed=request.POST["typed"])
        except InvalidRequest as problem:
            error = str(problem)
        else:
            said = f"Nothing is destroyed for {GRACE.days} days. Until then it can be taken back."
            messages.info(request, said if proposed.done else proposed.said)
            return redirect(back if proposed.done else reverse("approvals"))
    context: dict[str, Any] = {
        "what": what,
        "task": what.task,
        "error": error,
        "address": address,
        "back": back,
        "ids": request.POST.getlist("entity"),
        "all_matching": bool(request.POST.get("all_matching")),
        "days": GRACE.days,
        "two_person": request.account.two_person,
        "area": "home",
        "crumbs": [
            {"words": "Home", "url": reverse("home")},
            {"words": what.task.name, "url": back},
            {"words": "Delete", "url": ""},
        ],
    }
    return render(request, "backups/delete.html", context)


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest) -> HttpResponse:
    """What is being deleted, and what was."""
    past = Deletion.objects.filter(state__in=(DeletionState.DONE, DeletionState.CANCELLED))
    before, after = selectors.uuid_of(request.GET.get("before")), selectors.uuid_of(request.GET.get("after"))
    found = page_of(past, keys=("ordered_at", "pk"), size=30, descending=True, before=before, after=after)
    context = {
        "waiting": open_deletions(),
        "past": found.items,
        "previous_url": f"?before={found.previous}" if found.previous else "",
        "next_url": f"?after={found.following}" if found.following else "",
        "area": "home",
        "crumbs": [{"words": "Home", "url": reverse("home")}, {"words": "Deletions", "url": ""}],
    }
    return render(request, "backups/deletions.html", context)


@require_POST
@member_required(Permission.DELETE)
def cancel(request: MemberRequest, deletion_id: UUID) -> HttpResponse:
    """Take an order back; this needs no second person and no proof."""
    found = deletion_cancel(public_id=deletion_id)
    messages.success(
        request, f"Taken back. {found.label.removeprefix('Delete ').capitalize()}: all is as it was."
    )
    return redirect(reverse("task", args=[found.task.public_id]) if found.task else reverse("deletions"))
