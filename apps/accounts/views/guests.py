"""Letting guests in and out: the customer's side, the staff's list, and the way out of an account."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import NotFound
from apps.core.keyset import page_of
from apps.core.permissions import Permission
from apps.core.typed import typed

from ..access import member_required, owner_required
from ..guests import partners, support
from ..guests.doors import StaffRequest, seat_of, staff_required
from ..guests.entering import KEY, leave, support_enter
from ..guests.forms import AcceptPartnerForm, GrantForm
from ..guests.pages import as_uuid
from ..http import MemberRequest
from ..life.access import require_administrator
from ..models import Account, User
from ..sudo import sudo_required


@require_POST
@owner_required
@sudo_required()
def partner_accept(request: MemberRequest) -> HttpResponse:
    """Let a partner look after the account."""
    form = AcceptPartnerForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was saved: give the partner's number.")
    else:
        relation = partners.customer_accept(account=request.account, **form.cleaned_data)
        messages.success(request, f"{relation.partner} may enter now.")
    return redirect(reverse("account_settings") + "#partner")


@require_POST
@owner_required
def partner_end(request: MemberRequest) -> HttpResponse:
    """End it: the partner is out at once."""
    relation = partners.relation_of(request.account)
    if relation is None:
        raise NotFound("No partner looks after this account.")
    partners.relation_end(relation=relation)
    messages.success(request, f"{relation.partner} cannot enter any more.")
    return redirect(reverse("account_settings") + "#partner")


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def support_allow(request: MemberRequest) -> HttpResponse:
    """Let Everkeep's staff in for some hours."""
    require_administrator(request)
    form = GrantForm(request.POST)
    if form.is_valid():
        support.support_grant(**form.cleaned_data)
        messages.success(request, "Support may enter now. It ends by itself.")
    else:
        messages.error(request, "Nothing was saved: say why support shall look.")
    return redirect(reverse("account_settings") + "#support")


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
def support_end(request: MemberRequest, grant_id: UUID) -> HttpResponse:
    """End a grant before its time."""
    require_administrator(request)
    support.support_end(public_id=grant_id)
    messages.success(request, "Support cannot enter any more.")
    return redirect(reverse("account_settings") + "#support")


@require_safe
@staff_required
def staff(request: StaffRequest) -> HttpResponse:
    """All accounts by name and state, and which of them let support in. Nothing of what is in them."""
    before, after = as_uuid(request.GET.get("before")), as_uuid(request.GET.get("after"))
    rows = Account.objects.filter(name__icontains=typed(request.GET))
    page = page_of(rows, keys=("name", "pk"), size=50, before=before, after=after)
    open_to_us = support.let_in(page.items)
    context = {
        "rows": [(account, account.pk in open_to_us) for account in page.items],
        "previous_url": f"?before={page.previous}" if page.previous else "",
        "next_url": f"?after={page.following}" if page.following else "",
    }
    return render(request, "accounts/staff.html", context)


@require_POST
@staff_required
def staff_enter(request: StaffRequest, account_id: UUID) -> HttpResponse:
    """Go into an account that lets support in."""
    account = Account.objects.filter(public_id=account_id).first()
    if account is None:
        raise NotFound("There is no such account.")
    support_enter(request, support.grant_for_entry(account))
    return redirect("home")


@require_safe
@login_required
def guest(request: HttpRequest) -> HttpResponse:
    """Where a guest is, and the way out."""
    return render(request, "accounts/guest.html", {"entered": KEY in request.session})


@require_POST
@login_required
def guest_leave(request: HttpRequest) -> HttpResponse:
    """Out of the customer's account, back to where one came from."""
    leave(request)
    user: User = request.user  # type: ignore[assignment]
    if seat_of(user):
        return redirect("partner")
    return redirect("staff" if user.is_platform_staff else "home")
