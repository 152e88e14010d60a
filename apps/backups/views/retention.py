"""How long backups are kept: the page of a task and the page of the account, each with a preview."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import ask_again
from apps.core.permissions import Permission, require

from .. import selectors
from ..access import task_for
from ..models import BackupTask
from ..retention.forms import INHERIT, RetentionForm
from ..retention.inforce import account_rule, of_task, rule_from
from ..retention.marking import GRACE
from ..retention.preview import gone_lately, marked, preview
from ..retention.rules import KEEP_GOOD, Rule
from ..retention.services import keeps_less, retention_change
from .context import task_head


@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def task_page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """The task's own rule, what rules it in fact, and what goes when."""
    task = task_for(task_id)
    own = rule_from(task.retention) if task.retention is not None else None
    form = _form(request, own, f"As the account: {account_rule().words()}")
    context = {
        **task_head(task, "retention"),
        "total": selectors.counters(task, selectors.Filters()),
        "in_force": of_task(task),
    }
    return _page(request, form, task, context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
def account_page(request: MemberRequest) -> HttpResponse:
    """The rule for everything that has none of its own."""
    crumbs = [{"words": "Settings", "url": reverse("settings")}, {"words": "Retention", "url": ""}]
    return _page(request, _form(request, account_rule(), ""), None, {"crumbs": crumbs, "can": {"modify": True}})


def _form(request: MemberRequest, rule: Rule | None, inherited: str) -> RetentionForm:
    initial = {"kind": INHERIT} if rule is None else RetentionForm.initial_of(rule)
    asked = request.POST if request.method == "POST" else None
    return RetentionForm(asked, initial=initial, inherited=inherited)


def _page(
    request: MemberRequest, form: RetentionForm, task: BackupTask | None, context: dict[str, Any]
) -> HttpResponse:
    if request.method == "POST":
        require(Permission.MODIFY if task else Permission.ACCOUNT_SETTINGS)
        if form.is_valid():
            rule = form.rule()
            if request.POST.get("previewed") == _stamp(rule):
                return _save(request, task, rule)
            tasks = [task] if task else list(BackupTask.objects.order_by("name", "pk"))
            context |= {
                "preview": preview(rule or account_rule(), tasks, own=task is not None),
                "stamp": _stamp(rule),
                "wanted": (rule or account_rule()).words(),
                "less": keeps_less(task=task, rule=rule),
            }
    context |= {
        "form": form,
        "marked": marked(task),
        "lately": gone_lately(task),
        "grace": GRACE.days,
        "floor": KEEP_GOOD,
        "address": request.path,
    }
    return render(request, "backups/task_retention.html" if task else "backups/retention.html", context)


def _save(request: MemberRequest, task: BackupTask | None, rule: Rule | None) -> HttpResponse:
    if keeps_less(task=task, rule=rule):
        require(Permission.DELETE)
        if answer := ask_again(request):
            return answer
    proposed = retention_change(task=task, rule=rule)
    if proposed is None:
        messages.info(request, "Nothing was changed.")
    else:
        messages.success(request, "Saved." if proposed.done else proposed.said)
    return redirect(request.path)


def _stamp(rule: Rule | None) -> str:
    """What was previewed, word for word: only that can be saved."""
    return json.dumps(rule.to_json() if rule else None, sort_keys=True)
