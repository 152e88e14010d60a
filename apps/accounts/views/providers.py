"""Signing in, up and on by Google, Microsoft or Okta (features ACC-05, ACC-07, ACC-16).

The way out is a page that leads on by itself, not a redirect: browsers refuse a form that ends at another
origin (`form-action`). It starts by POST alone, so that no stranger's page can send a person there to link or
change who is signed in.
"""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.utils import get_next_redirect_url, perform_login
from allauth.decorators import rate_limit
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import Conflict, EverkeepError, InvalidRequest

from ..access import linked_identity, member_required
from ..http import MemberRequest
from ..models import User
from ..social import pending, proof
from ..social.forms import ProviderSignUpForm
from ..social.identity import Identity
from ..social.provider import LINK, PROVE, SIGN_IN, SignInProvider, provider_of, stranger
from ..social.services import identity_link, identity_unlink, identity_used, is_taken
from ..sudo import safe_next, sudo_required


@require_POST
@never_cache
@rate_limit(action="login")  # type: ignore[untyped-decorator]
def provider_sign_in(request: HttpRequest, key: str) -> HttpResponse:
    """Go to a provider to sign in or up."""
    if request.user.is_authenticated:
        return redirect("home")
    return _leave(request, _known(request, key), SIGN_IN, get_next_redirect_url(request) or "")


@require_POST
@member_required()
@sudo_required()
def identity_link_start(request: MemberRequest, key: str) -> HttpResponse:
    """Go to a provider to link an identity there."""
    return _leave(request, _known(request, key), LINK)


@require_GET
@member_required()
def provider_prove(request: MemberRequest, key: str) -> HttpResponse:
    """Go to a provider that one signs in with, to be asked there anew (`accounts.sudo`)."""
    return _leave(request, _known(request, key), PROVE, safe_next(request))


@require_GET
@never_cache
def provider_back(request: HttpRequest, key: str) -> HttpResponse:
    """Back from a provider. Whoever comes with a state of another session, or none, gets nowhere."""
    provider = _known(request, key)
    state = statekit.unstash_state(request, provider_id=key, state_id=request.GET.get("state", ""))
    try:
        if state is None:
            raise stranger()
        return _arrive(request, provider, state)
    except EverkeepError as error:
        return _problem(request, provider, error)


def _arrive(request: HttpRequest, provider: SignInProvider, state: dict[str, Any]) -> HttpResponse:
    """Do what the person left for."""
    process, following = state["process"], state.get("next") or ""
    if request.GET.get("error") == "access_denied":
        messages.info(request, f"You turned back at {provider.name}. Nothing has changed.")
        return redirect("account_login" if process == SIGN_IN else "my_security")
    if "error" in request.GET:
        raise InvalidRequest(
            f"{provider.name} refused the sign-in.", do="Try again, or ask your administrator."
        )
    identity, claims = provider.get_oauth2_adapter(request).identify(request.GET.get("code", ""), state)
    if process == SIGN_IN:
        return _sign_in(request, provider, identity, following)
    if state["user"] != request.user.pk or not request.membership:  # type: ignore[attr-defined]
        raise stranger()
    if process == PROVE:
        proof.accept(request, identity, claims)
        return redirect(following or "home")
    identity_link(cast(User, request.user), identity)
    messages.success(request, f"You can sign in with {provider.name} from now on.")
    return redirect("my_security")


def _sign_in(
    request: HttpRequest, provider: SignInProvider, identity: Identity, following: str
) -> HttpResponse:
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    row = (
        SocialAccount.objects.select_related("user")
        .filter(provider=identity.provider, uid=identity.key)
        .first()
    )
    if row is not None:
        identity_used(row, identity)
        return _enter(request, row.user, identity, following)
    if identity.verified and is_taken(identity.email):
        context = {"provider": provider.name, "email": identity.email}
        return render(request, "accounts/provider_known.html", context, status=409)
    pending.keep(request, identity, following)
    return redirect("provider_sign_up")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@rate_limit(action="signup")  # type: ignore[untyped-decorator]
def provider_sign_up(request: HttpRequest) -> HttpResponse:
    """What a new account needs that the provider does not know."""
    found = pending.kept(request)
    if request.user.is_authenticated or found is None:
        return redirect("home" if request.user.is_authenticated else "account_signup")
    identity, following = found
    form = ProviderSignUpForm(request.POST or None, identity=identity)
    if request.method == "POST" and form.is_valid():
        pending.forget(request)
        user, answer = form.try_save(request)
        return answer or _enter(request, user, identity, following, is_new=True)
    context = {"form": form, "identity": identity, "provider": _known(request, identity.provider).name}
    return render(request, "accounts/provider_sign_up.html", context)


@require_POST
@member_required()
@sudo_required()
def identity_unlink_start(request: MemberRequest, identity_id: int) -> HttpResponse:
    """No longer sign in with an identity."""
    row = linked_identity(request, identity_id)
    try:
        identity_unlink(row)
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Unlinked. It no longer lets anybody in.")
    return redirect("my_security")


def _enter(
    request: HttpRequest, user: User | None, identity: Identity, following: str, *, is_new: bool = False
) -> HttpResponse:
    """Through allauth's stages: an unconfirmed address and a second factor stop people here as everywhere."""
    record_authentication(request, user, "socialaccount", provider=identity.provider, uid=identity.key)
    enter: Any = complete_signup if is_new else perform_login
    return enter(request, user=user, redirect_url=following or None)  # type: ignore[no-any-return]


def _leave(request: HttpRequest, provider: SignInProvider, process: str, following: str = "") -> HttpResponse:
    try:
        address = provider.leave(request, process, following)
    except EverkeepError as error:
        return _problem(request, provider, error)
    if request.method == "GET":
        return redirect(address)
    return render(request, "accounts/provider_leave.html", {"provider": provider.name, "address": address})


def _problem(request: HttpRequest, provider: SignInProvider, error: EverkeepError) -> HttpResponse:
    back = reverse("my_security" if request.user.is_authenticated else "account_login")
    context = {"provider": provider.name, "error": error, "back": back}
    return render(request, "accounts/provider_problem.html", context, status=error.status)


def _known(request: HttpRequest, key: str) -> SignInProvider:
    if key not in settings.SIGN_IN_PROVIDERS:
        raise Http404
    return provider_of(request, key)
