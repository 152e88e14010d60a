"""Choosing: a form, then what it would do, then yes."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import ask_again
from apps.backups.access import task_for
from apps.backups.models import BackupTask, Entity
from apps.connectors.base import DIRECTORY_PROPERTIES
from apps.core.errors import EverkeepError, NotFound
from apps.core.permissions import Permission

from .. import deleting, services
from ..access import rule_for
from ..enums import Leaving
from ..forms import FORMS, RuleForm
from ..models import Rule
from .context import activation_panel, uuids_of


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACTIVATE)
def new(request: MemberRequest, task_id: UUID, kind: str) -> HttpResponse:
    """Choose by one way; what it would do is shown next."""
    return _choose(request, task_for(task_id, Permission.ACTIVATE), kind)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACTIVATE)
def change(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """Change a rule; until it is confirmed the rule goes on as it was."""
    rule = rule_for(rule_id, Permission.ACTIVATE)
    return _choose(request, rule.task, rule.kind, rule)


def _choose(request: MemberRequest, task: BackupTask, kind: str, edited: Rule | None = None) -> HttpResponse:
    if kind not in FORMS:
        raise NotFound("There is no such way to choose.", do="Start from the page “Activation”.")
    form = _form(request, task, kind, edited)
    if request.method == "POST" and form.is_valid():
        try:
            found = services.draft(task=task, wanted=form.wanted(), replaces=edited)
            return redirect("activation_rule", found.public_id)
        except EverkeepError as problem:
            form.add_error(None, str(problem))
    context = {
        **activation_panel(task),
        "form": form,
        "kind": kind,
        "edited": edited,
        "properties": DIRECTORY_PROPERTIES.items(),
    }
    return render(request, "activation/choose.html", context)


def _form(request: MemberRequest, task: BackupTask, kind: str, edited: Rule | None) -> RuleForm:
    options: dict[str, Any] = {"task": task, "edited": edited}
    if kind == "property":
        options["prop"] = request.GET.get("property", "")
    if kind == "group":
        options["text"] = request.GET.get("q", "")[:100]
    posted = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    return FORMS[kind](*posted, **options)


@require_POST
@member_required(Permission.ACTIVATE)
def start(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """Leave out whose tick was taken away; then start, unless only that was asked."""
    rule = rule_for(rule_id, Permission.ACTIVATE)
    deletes = rule.leaving == Leaving.DELETE and request.POST.get("only") != "ticks"
    if deletes and (answer := ask_again(request)):
        return answer
    shown, ticked = set(uuids_of(request.POST.getlist("shown"))), set(uuids_of(request.POST.getlist("entity")))
    unticked = list(Entity.objects.filter(task=rule.task, public_id__in=shown - ticked))
    services.leave_out(rule=rule, entities=unticked)
    back = uuids_of(request.POST.getlist("take_in"))
    services.take_in(rule=rule, entities=list(Entity.objects.filter(task=rule.task, public_id__in=back)))
    if request.POST.get("only") == "ticks":
        return redirect("activation_rule", rule.public_id)
    if deletes:
        proposed = deleting.start_deleting(rule=rule, all_new=request.POST.get("all_new", ""))
        messages.info(request, "The rule is started." if proposed.done else proposed.said)
        return redirect("activation", rule.task.public_id)
    found = services.start(rule=rule, all_new=request.POST.get("all_new", ""))
    messages.info(request, "Confirmed. It takes effect within moments.")
    return redirect("activation_rule", found.public_id)
