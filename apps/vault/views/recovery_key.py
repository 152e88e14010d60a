"""Settings → Recovery key: how it stands, the key once, the proof that it is put away. For the owner alone."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.access import owner_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core import clock

from ..forms import GroupsForm
from ..recovery import recovery_key_confirm, recovery_key_make, recovery_state


@require_http_methods(["GET", "HEAD", "POST"])
@owner_required
@sudo_required()
def recovery_key(request: MemberRequest) -> HttpResponse:
    """How it stands; after a fresh proof of who asks, a new key in the answer to this request alone."""
    if request.method == "POST":
        key = recovery_key_make(account_id=request.account.pk)
        context = {"key": key.text, "account": request.account, "now": clock.now(), **_place()}
        return render(request, "vault/recovery_key_shown.html", context)
    return render(request, "vault/recovery_key.html", {"state": recovery_state(request.account.pk), **_place()})


@require_http_methods(["GET", "HEAD", "POST"])
@owner_required
def confirm(request: MemberRequest) -> HttpResponse:
    """Two groups of the key, typed from where it was put."""
    state = recovery_state(request.account.pk)
    if not state.asked:
        return redirect("recovery_key")
    form = GroupsForm(request.POST if request.method == "POST" else None, asked=state.asked)
    if request.method == "POST" and form.is_valid():
        if recovery_key_confirm(account_id=request.account.pk, typed=form.typed):
            messages.info(request, "Your recovery key is confirmed.")
            return redirect("recovery_key")
        form.add_error(None, "These are not the groups of the key that was shown last.")
    return render(
        request, "vault/recovery_key_confirm.html", {"form": form, "state": state, **_place("Confirm")}
    )


def _place(page: str = "") -> dict[str, object]:
    crumbs = [
        {"words": "Settings", "url": reverse("settings")},
        {"words": "Recovery key", "url": reverse("recovery_key") if page else ""},
    ]
    return {"area": "settings", "crumbs": crumbs + ([{"words": page, "url": ""}] if page else [])}
