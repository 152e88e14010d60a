"""Settings → Notifications: who is told of what."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.errors import EverkeepError
from apps.core.permissions import Permission

from ..access import recipient_for
from ..enums import Way
from ..forms import RecipientForm
from ..models import Recipient
from ..recipients import recipient_add, recipient_change, recipient_remove, recipient_try, ticks_set
from ..registry import offered_kinds, panels
from ..selectors import last_failures, recipient_lines


@require_safe
@member_required(Permission.NOTIFICATIONS)
def notifications(request: MemberRequest) -> HttpResponse:
    """What other apps set here, then the recipients (features NOT-02)."""
    context = {
        **_frame(),
        "cards": [(panel.template, panel.context(request)) for panel in panels()],
        "lines": recipient_lines(),
        "kinds": offered_kinds(),
        "failures": last_failures(),
        "ways": Way.choices,
    }
    return render(request, "notifications/settings.html", context)


@require_POST
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def ticks(request: MemberRequest) -> HttpResponse:
    """Save all ticks: of each recipient that the page showed, the kinds that are ticked."""
    wanted: dict[UUID, list[str]] = {}
    for shown in request.POST.getlist("shown"):
        try:
            wanted[UUID(shown)] = request.POST.getlist(f"kinds-{shown}")
        except ValueError as error:
            raise Http404 from error
    changed = ticks_set(wanted)
    messages.success(request, "Saved." if changed else "Nothing was changed.")
    return redirect("notifications")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def add(request: MemberRequest, way: str) -> HttpResponse:
    """Put a recipient on the list. A new secret is in the answer to the request that made it alone."""
    if way not in Way:
        raise Http404
    form = RecipientForm(request.POST or None, way=way)
    if request.method == "POST" and form.is_valid():
        try:
            recipient, secret = recipient_add(form.wanted())
        except EverkeepError as error:
            form.add_error("address" if way == Way.MAIL else "url", str(error))
        else:
            messages.success(request, f"{recipient} is on the list.")
            if not secret:
                return redirect("notifications")
            return _page(request, RecipientForm(way=way, recipient=recipient), recipient, secret)
    return _page(request, form, None, "")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def edit(request: MemberRequest, recipient_id: UUID) -> HttpResponse:
    """Change one; try it or remove it by the buttons below."""
    recipient = recipient_for(recipient_id)
    form = RecipientForm(request.POST or None, way=recipient.way, recipient=recipient)
    if request.method == "POST" and form.is_valid():
        try:
            new = form.cleaned_data.get("new_secret", False)
            secret = recipient_change(recipient, form.wanted(), new_secret=new)
        except EverkeepError as error:
            form.add_error(None if recipient.way == Way.MAIL else "url", str(error))
        else:
            if not secret:
                messages.success(request, "Recipient saved.")
                return redirect("notifications")
            return _page(request, RecipientForm(way=recipient.way, recipient=recipient), recipient, secret)
    return _page(request, form, recipient, "")


@require_POST
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def remove(request: MemberRequest, recipient_id: UUID) -> HttpResponse:
    """Take one off the list."""
    recipient = recipient_for(recipient_id)
    recipient_remove(recipient)
    messages.info(request, f"{recipient} gets no more letters.")
    return redirect("notifications")


@require_POST
@member_required(Permission.NOTIFICATIONS)
def test(request: MemberRequest, recipient_id: UUID) -> HttpResponse:
    """Send one a letter that means nothing."""
    recipient_try(recipient_for(recipient_id))
    messages.info(request, "A test is on its way. What becomes of it stands on top of this list.")
    return redirect("notification_deliveries")


def _frame(*crumbs: dict[str, str]) -> dict[str, Any]:
    """Context of all pages below Settings → Notifications."""
    first = {"words": "Settings", "url": reverse("settings")}
    second = {"words": "Notifications", "url": reverse("notifications") if crumbs else ""}
    return {"area": "settings", "crumbs": [first, second, *crumbs]}


def _page(
    request: MemberRequest, form: RecipientForm, recipient: Recipient | None, secret: str
) -> HttpResponse:
    title = str(recipient) if recipient else f"Add: {Way(form.way).label}"
    kinds = [(kind, kind.key in (form["kinds"].value() or [])) for kind in offered_kinds()]
    context = {
        **_frame({"words": title, "url": ""}),
        "form": form,
        "recipient": recipient,
        "secret": secret,
        "title": title,
        "kinds": kinds,
        "address": request.path
        if recipient is None
        else reverse("notification_recipient", args=[recipient.public_id]),
    }
    return render(request, "notifications/recipient.html", context, status=422 if form.errors else 200)
