"""Company sign-in: the way to an account's identity provider and back (docs/company-sign-in.md)."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.scope import account_scope

from ..access import member_required
from ..http import MemberRequest
from ..limits import Limit, address_of, take
from ..models import Account
from ..saml import entering
from ..saml.arrivals import arrive, note_refusal
from ..saml.checks import SamlRefused
from ..saml.finding import company_domain_of, mail_links
from ..saml.forms import FindForm
from ..saml.provider import metadata as our_metadata
from ..saml.services import provider_here, provider_in_use
from ..saml.session import bound_to
from ..sudo import safe_next

ARRIVALS: Final = Limit("saml.arrival", 60, timedelta(seconds=1))
FINDS: Final = Limit("saml.find", 10, timedelta(seconds=30))


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """From an address to the company's sign-in, without telling whether the address is known."""
    form = FindForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "accounts/saml_find.html", {"form": form})
    if not take(FINDS, address_of(request)):
        return render(request, "429.html", status=429)
    email = form.cleaned_data["email"].lower()
    account = company_domain_of(email)
    if account is not None:
        return leave(request, reverse("saml_start", args=[account.public_id]))
    mail_links(email)
    return render(request, "accounts/saml_find_sent.html", {"email": email})


@never_cache
@require_safe
def start(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """The account's own sign-in link: straight on to its provider."""
    account = _account(account_id)
    with account_scope(account.pk):
        provider = provider_in_use()
        if provider is None:
            raise Http404
        return redirect(entering.ask(request, account, provider.live, "sign_in", safe_next(request)))


@require_safe
def needed(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Says that this account is entered through the company, and offers the way."""
    account = _account(account_id)
    with account_scope(account.pk):
        if provider_in_use() is None:
            raise Http404
    # The name is for its members: anybody may have this address.
    membership = getattr(request, "membership", None)
    name = account.name if membership and membership.account_id == account.pk else ""
    return render(request, "accounts/saml_needed.html", {"account_id": account_id, "name": name})


@never_cache
@require_safe
@member_required()
def confirm(request: MemberRequest) -> HttpResponse:
    """Proves anew that the person still sits there: the provider must ask again, then back to where one was."""
    provider = provider_in_use()
    if provider is None or bound_to(request) is None:
        raise Http404
    return redirect(entering.ask(request, request.account, provider.live, "confirm", safe_next(request)))


@csrf_exempt
@never_cache
@require_POST
def acs(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Takes the provider's answer. Comes without our cookies: what it is worth is decided by `finish`."""
    account = _account(account_id)
    if not take(ARRIVALS, address_of(request)):
        return render(request, "429.html", status=429)
    with account_scope(account.pk):
        provider = provider_here()
        if provider is None:
            raise Http404
        try:
            token = arrive(account, provider, request.POST.get("SAMLResponse", ""))
        except SamlRefused as refused:
            return _refused(request, refused)
    answer = HttpResponseRedirect(reverse("saml_finish", args=[account_id, token]))
    answer.status_code = 303
    return answer


@never_cache
@require_http_methods(["GET", "POST"])
def finish(request: HttpRequest, account_id: UUID, token: str) -> HttpResponse:
    """Here the browser's cookie is with us: who had asked is let in, who had not is asked to agree."""
    account = _account(account_id)
    if not take(ARRIVALS, address_of(request)):
        return render(request, "429.html", status=429)
    with account_scope(account.pk):
        if provider_here() is None:
            raise Http404
        try:
            arrival, question = entering.claim(request, account, token)
            if question is None and request.method == "GET":
                return render(request, "accounts/saml_embedded.html", {"account": account, "arrival": arrival})
            return redirect(entering.use(request, account, arrival, question))
        except SamlRefused as refused:
            return _refused(request, refused)


@require_safe
def metadata(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Our metadata for an account's provider. The same for every id, so it tells nothing."""
    return HttpResponse(our_metadata(account_id), content_type="application/samlmetadata+xml")


def leave(request: HttpRequest, url: str) -> HttpResponse:
    """Go on to `url`, which leads out of the portal: a form's own redirect may not (CSP `form-action`)."""
    answer = render(request, "accounts/saml_leave.html", {"url": url})
    answer["Refresh"] = f"0; url={url}"
    return answer


def _refused(request: HttpRequest, refused: SamlRefused) -> HttpResponse:
    note_refusal(refused)
    return render(request, "accounts/saml_refused.html", status=refused.status)


def _account(account_id: UUID) -> Account:
    found = Account.objects.filter(public_id=account_id).first()
    if found is None:
        raise Http404
    return found
