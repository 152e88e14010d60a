"""Connecting a tenant: by consent at Microsoft, or by an app registration of the customer's own."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import EverkeepError, InvalidRequest
from apps.core.permissions import Permission

from . import services
from .access import connection_for
from .enums import CredentialKind
from .forms import RegistrationForm, SecretEndForm
from .journey import Journey, begin, destination, local_path, resume
from .microsoft.auth import consent_url
from .microsoft.consent import Proof, sign_in_url
from .microsoft.endpoints import Endpoints
from .models import Connection
from .permissions_needed import microsoft_needs


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def new(request: MemberRequest) -> HttpResponse:
    """Two ways to connect a tenant; the second is a form on this page."""
    form = RegistrationForm(request.POST or None, request.FILES or None)
    after = local_path(request.POST.get("next") or request.GET.get("next") or "")
    if request.method == "POST" and form.is_valid():
        found = services.registration_save(form.cleaned_data)
        if isinstance(found, Connection):
            return _arrive(request, found, after)
        form.add_error(None, f"{found.what} {found.do}".strip())
    return render(request, "connectors/new.html", _page(request, form=form, after=after))


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def connection(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """One connection: its state, and both ways to authenticate it again in place."""
    known = connection_for(connection_id)
    initial = {"tenant_id": known.tenant_id, "client_id": known.client_id}
    form = RegistrationForm(request.POST or None, request.FILES or None, initial=initial)
    after = local_path(request.POST.get("next") or request.GET.get("next") or "")
    if request.method == "POST" and form.is_valid():
        found = services.registration_save(form.cleaned_data, connection=known)
        if isinstance(found, Connection):
            return _arrive(request, found, after)
        form.add_error(None, f"{found.what} {found.do}".strip())
    context = _page(request, form=form, after=after, known=known)
    return render(request, "connectors/connection.html", context)


@require_POST
@member_required(Permission.MODIFY)
def test_registration(request: MemberRequest) -> HttpResponse:
    """Sign in with what is typed and say how it went; nothing is kept."""
    form = RegistrationForm(request.POST, request.FILES)
    result = services.registration_test(form.cleaned_data) if form.is_valid() else None
    return render(request, "connectors/_test_result.html", {"result": result, "form": form})


@require_POST
@member_required(Permission.MODIFY)
def test_kept(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Sign in with what is kept, note the outcome, and say how it went."""
    result = services.connection_test(connection_for(connection_id))
    return render(request, "connectors/_test_result.html", {"result": result})


@require_POST
@member_required(Permission.MODIFY)
def secret_ends(request: MemberRequest, connection_id: UUID) -> HttpResponse:
    """Note the day on which a secret ends, without entering the secret again."""
    known = connection_for(connection_id)
    form = SecretEndForm(request.POST)
    if form.is_valid():
        services.connection_set_secret_end(connection=known, ends_on=form.cleaned_data["ends_on"])
        messages.info(request, "Noted.")
    else:
        messages.error(request, "That is no day.")
    return redirect("connection", known.public_id)


@require_safe
@member_required(Permission.MODIFY)
def authenticate(request: MemberRequest) -> HttpResponse:
    """Off to Microsoft's consent page. A link, not a form: forms may lead to this portal only."""
    known = request.GET.get("connection", "")
    try:
        again = connection_for(UUID(known)) if known else None
    except ValueError:
        raise InvalidRequest("The connection's id is not one.") from None
    journey = Journey(
        after=local_path(request.GET.get("next", "")),
        connection=str(again.public_id) if again else "",
        write=request.GET.get("write") == "1",
    )
    back = request.build_absolute_uri(reverse("connection_consented"))
    url = consent_url(
        endpoints=Endpoints.from_settings(),
        client_id=settings.MICROSOFT_CLIENT_ID,
        redirect_uri=back,
        state=begin(request.session, journey),
        tenant=again.tenant_id if again else "",
    )
    return redirect(url)


@require_safe
@member_required(Permission.MODIFY)
def consented(request: MemberRequest) -> HttpResponse:
    """Back from the consent page: whoever consented now proves to belong to that tenant."""
    journey = resume(request.session, request.GET.get("state", ""))
    tenant = services.tenant_of_consent(request.GET.dict())
    if tenant is None:
        return _refused(request, journey, "The consent was not given at Microsoft. Nothing has changed.")
    proof = Proof.new()
    signing_in = Journey(journey.after, journey.connection, journey.write, tenant, proof.nonce, proof.verifier)
    url = sign_in_url(
        endpoints=Endpoints.from_settings(),
        tenant=tenant,
        client_id=settings.MICROSOFT_CLIENT_ID,
        redirect_uri=request.build_absolute_uri(reverse("connection_signed_in")),
        state=begin(request.session, signing_in),
        proof=proof,
    )
    return redirect(url)


@require_safe
@member_required(Permission.MODIFY)
def signed_in(request: MemberRequest) -> HttpResponse:
    """Back from the sign-in: the connection is made, or renewed, and tested."""
    journey = resume(request.session, request.GET.get("state", ""))
    known = connection_for(journey.connection_id) if journey.connection_id else None
    try:
        made = services.connection_finish_consent(
            tenant_id=journey.tenant,
            code=request.GET.get("code", ""),
            redirect_uri=request.build_absolute_uri(reverse("connection_signed_in")),
            proof=Proof(journey.nonce, journey.verifier),
            connection=known,
        )
    except EverkeepError as error:
        return _refused(request, journey, f"{error.what} {error.do}".strip())
    return _arrive(request, made, journey.after)


def _arrive(request: MemberRequest, made: Connection, after: str) -> HttpResponse:
    messages.info(request, f"{made} is connected.")
    return redirect(destination(after, made.public_id))


def _refused(request: MemberRequest, journey: Journey, words: str) -> HttpResponse:
    """Calmly back to where the journey began, with the reason on top."""
    known = connection_for(journey.connection_id) if journey.connection_id else None
    context = _page(request, form=RegistrationForm(), after=journey.after, known=known, write=journey.write)
    template = "connectors/connection.html" if known else "connectors/new.html"
    return render(request, template, context | {"refused": words})


def _page(
    request: MemberRequest,
    *,
    form: RegistrationForm,
    after: str,
    known: Connection | None = None,
    write: bool | None = None,
) -> dict[str, Any]:
    writing = request.GET.get("write") == "1" if write is None else write
    asked = {
        "next": after,
        "connection": str(known.public_id) if known else "",
        "write": "1" if writing else "",
    }
    title = str(known) if known else "Connect an organisation"
    return {
        "form": form,
        "connection": known,
        "end_form": _end_form(known),
        "after": after,
        "write": writing,
        "query": "?" + urlencode({name: value for name, value in asked.items() if value}),
        "needs": microsoft_needs(write=writing),
        "own_app": bool(settings.MICROSOFT_CLIENT_ID),
        "area": "home",
        "crumbs": [{"words": "Home", "url": "/"}, {"words": title, "url": ""}],
    }


def _end_form(known: Connection | None) -> SecretEndForm | None:
    if known is None or known.credential_kind != CredentialKind.CLIENT_SECRET:
        return None
    ends_at = known.credential_expires_at
    return SecretEndForm(initial={"ends_on": ends_at.date() if ends_at else None})
