"""Where the link of an invitation leads, and the way from one account to another."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.activity.audit import audit
from apps.core.actor import acting_as, current_actor
from apps.core.errors import Conflict, NotFound
from apps.core.scope import account_scope

from ..access import member_required
from ..guests.entering import leave
from ..http import MemberRequest
from ..members.forms import JoinForm
from ..members.invitations import accept_as, accept_as_new, invitation_of, known_person
from ..models import Account, Membership
from ..selectors import actor_of
from ..sudo import safe_next


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, then act on a button: mail filters follow links. Used, replaced and outdated links look the same."""
    found = invitation_of(token)
    if found is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    if request.user.is_authenticated:
        return _accept(request, token) if request.method == "POST" else _page(request, token)
    known = known_person(found) is not None
    form = None if known else JoinForm(request.POST or None, email=found.email)
    if form is not None and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            accept_as_new(token=token, name=data["name"], password=data["password"])
        except Conflict as error:
            messages.warning(request, str(error))
            return redirect("invitation", token)
        messages.info(request, "Your login is ready. Sign in with it.")
        return redirect("account_login")
    return _page(request, token, form=form)


def _page(request: HttpRequest, token: str, form: JoinForm | None = None) -> HttpResponse:
    found = invitation_of(token)
    context = {"invitation": found, "form": form, "to": found and found.account, "action": request.path}
    return render(request, "accounts/invitation.html", context)


def _accept(request: HttpRequest, token: str) -> HttpResponse:
    account = accept_as(token=token, user=request.user)  # type: ignore[arg-type]
    _turn_to(request, account)
    messages.info(request, f"You belong to {account} now.")
    return redirect("home")


@require_POST
@member_required()
def account_switch(request: MemberRequest) -> HttpResponse:
    """Go on in another account of the same person, at its home page or at what was asked for there."""
    wanted = request.POST.get("account", "")
    # As the middleware found them: a session of a company sign-in belongs to one account only.
    own: list[Membership] = request.memberships  # type: ignore[attr-defined]
    member = next((each for each in own if str(each.account.public_id) == wanted), None)
    if member is None:
        raise NotFound("There is no such account.", do="Choose one from the menu under your name.")
    _turn_to(request, member.account)
    with account_scope(member.account_id), acting_as(actor_of(member, address=current_actor().address)):
        audit("user.entered", description=f"{member.user} came over from another account")
    return redirect(safe_next(request))


def _turn_to(request: HttpRequest, account: Account) -> None:
    """Nothing of the account before goes along: neither the session's name nor the token of its forms."""
    leave(request)
    request.session["account"] = str(account.public_id)
    request.session.cycle_key()
    rotate_token(request)
