"""API tokens: my own, and for administrators everybody's (features ACC-17)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.activity.registry import service_words
from apps.core.errors import EverkeepError
from apps.core.permissions import Permission

from .. import tokens
from ..access import member_required, token_for
from ..http import MemberRequest
from ..models import ApiToken
from ..sudo import sudo_required
from ..token_forms import TokenForm

LIST = "/me/#tokens"


def card(request: MemberRequest) -> dict[str, Any]:
    """What the panel shows: what the person made in the account in force."""
    return {"lines": [line_of(token) for token in tokens.tokens_of(request.membership)]}


def line_of(token: ApiToken) -> dict[str, Any]:
    """A token with its rights in words."""
    words = [str(Permission(value).label) for value in token.permissions if value in Permission.values]
    return {
        "token": token,
        "rights": words,
        "services": [service_words(value) for value in token.services or []],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
@sudo_required(reading=True)
def new(request: MemberRequest) -> HttpResponse:
    """Make a token; it is shown on the answer and nowhere else."""
    form = TokenForm(request.POST or None, membership=request.membership)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            text = tokens.token_create(
                request.membership,
                name=data["name"],
                permissions=data["permissions"],
                services=data["services"] or None,
                days=data["days"],
            )
        except EverkeepError as error:
            form.add_error(None, str(error))
        else:
            return render(request, "accounts/token_shown.html", {"text": text, "name": data["name"]})
    return render(request, "accounts/token_new.html", {"form": form})


@require_POST
@member_required()
def revoke(request: MemberRequest, token_id: UUID) -> HttpResponse:
    """End a token: my own, or as administrator anybody's."""
    token = token_for(token_id, request.membership)
    tokens.token_revoke(token)
    messages.info(request, f"\u201c{token.name}\u201d is revoked. What uses it gets no further.")
    return redirect("account_tokens" if request.POST.get("from") == "account" else LIST)


@require_safe
@member_required(Permission.USERS)
def account_tokens(request: MemberRequest) -> HttpResponse:
    """Everybody's tokens in this account."""
    lines = [line_of(token) for token in tokens.tokens_of_account(request.account.pk)]
    return render(request, "accounts/tokens.html", {"lines": lines})
