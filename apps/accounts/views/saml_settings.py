"""Company sign-in, set up by the account's administrators."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import Conflict, EverkeepError
from apps.core.permissions import Permission

from ..access import member_required
from ..http import MemberRequest
from ..life.access import require_administrator
from ..saml import domains, entering, services
from ..saml.forms import DomainForm, RulesForm, SetUpForm
from ..saml.session import bind
from ..sudo import sudo_required
from .saml import leave

P = ParamSpec("P")
MemberPage = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def administrators_only(page: MemberPage[P]) -> Page[P]:
    """The account's own administrators: whose provider it is can come in as every one of them."""

    @wraps(page)
    def careful(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        require_administrator(request)
        return page(request, *args, **kwargs)

    return member_required(Permission.ACCOUNT_SETTINGS)(careful)


@require_http_methods(["GET", "HEAD", "POST"])
@administrators_only
@sudo_required()
def set_up(request: MemberRequest) -> HttpResponse:
    """Takes the provider's metadata and goes straight on to the test."""
    form = SetUpForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        services.save_draft(form.config)
        return leave(request, reverse("saml_test"))
    return render(request, "accounts/saml_set_up.html", {"form": form, "account": request.account})


@never_cache
@require_safe
@administrators_only
def test(request: MemberRequest) -> HttpResponse:
    """Signs the administrator in at the new provider, in this browser; their session here stays as it is."""
    provider = services.provider_here()
    if provider is None or provider.draft is None:
        raise Conflict("There is nothing to test.", do="Set company sign-in up first.")
    return redirect(entering.ask(request, request.account, provider.draft, "test", reverse("security")))


@require_POST
@administrators_only
@sudo_required()
def activate(request: MemberRequest) -> HttpResponse:
    """Switches all members over, but for the owner."""
    services.activate()
    if not request.membership.is_owner:
        # They have just signed in there: what they would be sent away for they have done.
        bind(request, request.account)
    messages.success(request, "SAML: Active. Your people sign in at your company now.")
    return _back()


@require_POST
@administrators_only
def discard(request: MemberRequest) -> HttpResponse:
    """Forgets what is set up and not in use. It lets nobody in or out, so no proof is asked for."""
    if services.discard_draft():
        messages.success(request, "Discarded. Nobody's sign-in has changed.")
    return _back()


@require_POST
@administrators_only
@sudo_required()
def switch_off(request: MemberRequest) -> HttpResponse:
    """Passwords count again."""
    services.switch_off()
    messages.success(request, "Email and password: Active.")
    return _back()


@require_POST
@administrators_only
@sudo_required()
def rules(request: MemberRequest) -> HttpResponse:
    """Second factor, and users made automatically."""
    form = RulesForm(request.POST)
    if form.is_valid():
        services.set_options(**form.cleaned_data)
        messages.success(request, "Saved.")
    else:
        messages.error(request, "Nothing was saved: choose a role.")
    return _back()


@require_POST
@administrators_only
@sudo_required()
def domain_add(request: MemberRequest) -> HttpResponse:
    """Begins to prove a mail domain."""
    form = DomainForm(request.POST)
    if form.is_valid():
        row = domains.domain_add(form.cleaned_data["domain"])
        messages.success(request, f"Now put the file on the web server of {row.domain}, then prove it.")
    return _back()


@require_POST
@administrators_only
@sudo_required()
def domain_prove(request: MemberRequest, domain_id: int) -> HttpResponse:
    """Looks for our word on the domain's web server."""
    try:
        row = domains.domain_prove(domain_id)
    except EverkeepError as error:
        if error.status == 404:
            raise
        messages.error(request, str(error))
    else:
        messages.success(request, f"{row.domain} is yours.")
    return _back()


@require_POST
@administrators_only
@sudo_required()
def domain_remove(request: MemberRequest, domain_id: int) -> HttpResponse:
    """Forgets a mail domain."""
    domains.domain_remove(domain_id)
    messages.success(request, "Removed.")
    return _back()


def _back() -> HttpResponse:
    return redirect(f"{reverse('security')}#saml")
