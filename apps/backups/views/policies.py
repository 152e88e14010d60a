"""Policies: the account's list of them, and one to make or change."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.approvals import Proposed
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import ask_again
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission

from ..access import policy_for
from ..models import Policy
from ..policy_forms import PolicyEditor
from ..ruling import PARTS
from ..services.policies import could_shorten, part_words, policy_delete, policy_save


@require_safe
@member_required(Permission.MODIFY)
def page(request: MemberRequest) -> HttpResponse:
    """Every policy, with what it says and what it is given to."""
    rows = Policy.objects.prefetch_related("tasks", "policy_tags__tag").order_by("name")
    context: dict[str, Any] = {
        "policies": [
            {"policy": row, "parts": [(part, part_words(part, getattr(row, part))) for part in PARTS]}
            for row in rows
        ],
        **_frame("Policies"),
    }
    return render(request, "backups/policies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def edit(request: MemberRequest, policy_id: UUID | None = None) -> HttpResponse:
    """Make a policy, or change one."""
    policy = policy_for(policy_id) if policy_id else None
    editor = PolicyEditor(policy, request.POST if request.method == "POST" else None)
    if request.method == "POST" and not editor.adds and editor.is_valid():
        shorter = could_shorten(policy, editor.parts, list(editor.own.cleaned_data["tags"]))
        if shorter and (answer := ask_again(request)):
            return answer
        if _saved(request, policy, editor):
            return redirect("policies")
    context = {"editor": editor, "policy": policy, **_frame(policy.name if policy else "New policy")}
    return render(request, "backups/policy.html", context)


def _saved(request: MemberRequest, policy: Policy | None, editor: PolicyEditor) -> bool:
    said = editor.own.cleaned_data
    try:
        proposed = policy_save(
            policy=policy, name=said["name"], parts=editor.parts, tags=list(said["tags"]), rank=said["rank"]
        )
    except (Conflict, InvalidRequest) as error:
        messages.error(request, str(error))
        return False
    _say(request, proposed, "Policy saved.")
    return True


@require_POST
@member_required(Permission.MODIFY)
def delete(request: MemberRequest, policy_id: UUID) -> HttpResponse:
    """Forget one."""
    policy = policy_for(policy_id)
    if policy.retention and (answer := ask_again(request)):
        return answer
    _say(request, policy_delete(policy=policy), "Policy deleted.")
    return redirect("policies")


def _say(request: MemberRequest, proposed: Proposed, done: str) -> None:
    messages.info(request, done if proposed.done else proposed.said)


def _frame(title: str) -> dict[str, Any]:
    settings = {"words": "Settings", "url": reverse("settings")}
    policies = {"words": "Policies", "url": reverse("policies")}
    here = (
        [{"words": "Policies", "url": ""}] if title == "Policies" else [policies, {"words": title, "url": ""}]
    )
    return {"area": "settings", "crumbs": [settings, *here]}
