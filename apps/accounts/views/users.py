"""Users of the account: the list, the editor, invitations (features USR-01…08)."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.actor import current_actor
from apps.core.errors import Conflict, NotFound
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission
from apps.core.typed import typed

from ..access import member_required, owner_required
from ..enums import Role
from ..http import MemberRequest
from ..members import services
from ..members.forms import InviteForm, RightsForm
from ..members.invitations import invitation_resend, invitation_withdraw, invite
from ..members.listing import administrators, facts_of, people_page
from ..members.rights import Grant
from ..models import Invitation, Membership
from ..sudo import ask_again, sudo_required


@require_safe
@member_required(Permission.USERS)
def users(request: MemberRequest) -> HttpResponse:
    """People who can sign in to this account, and who is invited."""
    text = typed(request.GET)
    before, after = _uuid(request.GET.get("before")), _uuid(request.GET.get("after"))
    page = people_page(request.account, text=text, before=before, after=after)
    context = {
        "page": page,
        "text": text,
        "one_administrator": administrators(request.account) == 1,
        "previous_url": _page_url(text, before=page.previous),
        "next_url": _page_url(text, after=page.following),
        "sentence": f"{len(page.rows)} shown, in the order of their addresses",
        "crumbs": _crumbs(),
        "area": "settings",
    }
    return render_page_or_part(request, "accounts/users.html", "accounts/_users.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.USERS)
@sudo_required(reading=True)
def user_new(request: MemberRequest) -> HttpResponse:
    """Invite somebody by email."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invited = invite(inviter=request.membership, email=form.cleaned_data["email"], grant=form.grant)
        except Conflict as error:
            form.add_error("email", str(error))
        else:
            messages.info(request, f"{invited.email} has 24 hours to follow the link in the mail.")
            return redirect("users")
    context = {"form": form, "crumbs": _crumbs("Add user"), "area": "settings"}
    return render(request, "accounts/user_new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.USERS)
@sudo_required()
def user(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """What one person may do."""
    member = _member(request, member_id)
    form = RightsForm(request.POST or None, before=Grant.of(member))
    if request.method == "POST" and form.is_valid():
        changed = services.member_change(member=member, grant=form.grant)
        messages.info(request, "Permissions saved." if changed else "Nothing was changed.")
        return redirect("users")
    return render(request, "accounts/user.html", {"form": form, **_person(request, member)})


@require_POST
@member_required(Permission.USERS)
def user_access(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Switch a person's access to this account off or on. Off is for emergencies: nothing stands before it."""
    on = request.POST.get("on") == "1"
    if on and (asked := ask_again(request)):
        return asked
    services.member_switch(member=_member(request, member_id), on=on)
    messages.info(request, "Access is on." if on else "Access is off: open pages of theirs end now.")
    return redirect("user", member_id)


@require_POST
@member_required(Permission.USERS)
@sudo_required()
def user_remove(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Take a person out of this account."""
    member = _member(request, member_id)
    services.member_remove(member=member)
    messages.info(request, f"{member.user} is no longer a user of this account.")
    return redirect("users")


@require_POST
@owner_required
@sudo_required()
def user_owner(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Hand the account over to another administrator."""
    member = _member(request, member_id)
    services.ownership_transfer(owner=request.membership, to=member)
    messages.info(request, f"{member.user} owns the account now. You stay administrator.")
    return redirect("users")


@require_POST
@member_required(Permission.USERS)
def user_invitation(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    """Send an invitation again, which lets somebody in like the first one, or take it back."""
    withdraws = request.POST.get("action") == "withdraw"
    if not withdraws and (asked := ask_again(request)):
        return asked
    rows = Invitation.objects.select_related("account").filter(account=request.account)
    invitation = rows.filter(public_id=invitation_id).first()
    if invitation is None:
        raise NotFound("There is no such invitation.", do="It may have been accepted: load the list again.")
    if withdraws:
        invitation_withdraw(invitation=invitation)
        messages.info(request, f"The invitation of {invitation.email} is taken back.")
    else:
        invitation_resend(invitation=invitation, inviter=request.membership)
        messages.info(request, f"{invitation.email} has a new link, good for 24 hours. The old one has ended.")
    return redirect("users")


def _member(request: MemberRequest, member_id: UUID) -> Membership:
    rows = Membership.objects.select_related("user", "account").filter(account=request.account)
    found = rows.filter(public_id=member_id).first()
    if found is None:
        raise NotFound("There is no such user.", do="Look for them in the list.")
    return found


def _person(request: MemberRequest, member: Membership) -> dict[str, Any]:
    actor = current_actor()
    is_you = member.user_id == actor.user_id
    within = Grant.of(member).is_within(actor)
    return {
        "member": member,
        "is_you": is_you,
        "within": within,
        "may_change": within and not is_you and not member.is_owner,
        "may_hand_over": request.membership.is_owner
        and not is_you
        and member.is_active
        and member.role == Role.ADMINISTRATOR,
        "signs_in": facts_of(member.user_id, "signs_in") or "Password",
        "second_factor": facts_of(member.user_id, "second_factor"),
        "crumbs": _crumbs(str(member.user)),
        "area": "settings",
    }


def _crumbs(last: str = "") -> list[dict[str, str]]:
    crumbs = [
        {"words": "Settings", "url": reverse("settings")},
        {"words": "Users", "url": reverse("users") if last else ""},
    ]
    return [*crumbs, {"words": last, "url": ""}] if last else crumbs


def _page_url(text: str, **place: UUID | None) -> str:
    found = {key: str(value) for key, value in place.items() if value}
    return f"{reverse('users')}?{urlencode({'q': text, **found} if text else found)}" if found else ""


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
