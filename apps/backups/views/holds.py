"""Legal holds: what is on hold and why, placing and lifting."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.errors import InvalidRequest, NotFound
from apps.core.permissions import Permission

from ..models import HeldPart, Hold, Tag
from ..services.holds import entities_named, hold_lift, hold_place

MOST_LINES = 1_000
PAST = 30


class HoldForm(forms.Form):
    """A new hold: on mailboxes by name or address, on whatever carries a tag, or on both."""

    name = forms.CharField(label="Name", max_length=200, help_text="Such as the number of the case.")
    reason = forms.CharField(label="Reason", max_length=500, required=False)
    lines = forms.CharField(
        label="Mailboxes",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One name or address a line.",
    )
    tag: "forms.ModelChoiceField[Tag]" = forms.ModelChoiceField(
        queryset=None, to_field_name="public_id", required=False, empty_label="No tag", label="Tag"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].queryset = Tag.objects.order_by("name")  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
def page(request: MemberRequest) -> HttpResponse:
    """What is on hold, and a form for another one."""
    form = HoldForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _placed(request, form):
        return redirect("holds")
    # From the parts themselves, which narrow to what their reader sees: a join past them would count all.
    parts = HeldPart.objects.filter(hold=OuterRef("pk")).order_by().values("hold")
    count = Subquery(parts.annotate(n=Count("entity_id", distinct=True)).values("n"))
    single = parts.filter(remote_hash__isnull=False).annotate(n=Count("pk")).values("n")
    rows = Hold.objects.select_related("tag").annotate(
        count=Coalesce(count, 0), single=Coalesce(Subquery(single), 0)
    )
    context = {
        "form": form,
        "holds": rows.filter(lifted_at=None).order_by("name", "pk"),
        "past": rows.exclude(lifted_at=None).order_by("-lifted_at", "-pk")[:PAST],
        "crumbs": [{"words": "Settings", "url": reverse("settings")}, {"words": "Legal holds", "url": ""}],
    }
    return render(request, "backups/holds.html", context)


def _placed(request: MemberRequest, form: HoldForm) -> bool:
    said = form.cleaned_data
    try:
        entities = entities_named(said["lines"].splitlines()[:MOST_LINES])
        hold_place(name=said["name"], reason=said["reason"], entities=entities, tag=said["tag"])
    except InvalidRequest as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{said['name']} is on hold.")
    return True


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def lift(request: MemberRequest, hold_id: UUID) -> HttpResponse:
    """Lift a hold, or propose it to a second administrator."""
    hold = Hold.objects.filter(public_id=hold_id, lifted_at=None).first()
    if hold is None:
        raise NotFound("There is no such hold.", do="Load the page again.")
    proposed = hold_lift(hold)
    messages.info(request, "The hold is lifted." if proposed.done else proposed.said)
    return redirect("holds")
