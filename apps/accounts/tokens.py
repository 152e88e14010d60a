"""API tokens: a program acts as one member of one account, with less than that member may (features ACC-17).

The token itself is shown once. What arrives is looked up by its digest: 32 random bytes need no slow hash.
"""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import Actor, current_actor
from apps.core.client_address import client_address
from apps.core.errors import Conflict, InvalidRequest

from .models import ApiToken, Membership

API = "/api/"
PREFIX = "ek_"
LONGEST = 365
TOKENS_AT_MOST = 50
USED_EVERY = timedelta(minutes=5)
KEPT_WHEN_OVER = timedelta(days=30)


@transaction.atomic
def token_create(
    membership: Membership,
    *,
    name: str,
    permissions: Iterable[str],
    services: Iterable[str] | None,
    days: int,
) -> str:
    """Make a token for a member and return it: nobody can read it again. Raises InvalidRequest, Conflict."""
    wanted = frozenset(permissions)
    if not wanted <= current_actor().permissions:
        raise InvalidRequest("A token cannot do more than you may.", do="Choose among your own permissions.")
    if not 1 <= days <= LONGEST:
        raise InvalidRequest(
            f"A token lasts from one day to {LONGEST} days.", do="Choose another number of days."
        )
    if ApiToken.objects.filter(membership=membership).count() >= TOKENS_AT_MOST:
        raise Conflict(f"You have {TOKENS_AT_MOST} tokens.", do="Revoke those that you do not use.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        membership=membership,
        name=name,
        digest=_digest(text),
        ending=text[-4:],
        permissions=sorted(wanted),
        services=None if services is None else sorted(set(services)),
        expires_at=clock.now() + timedelta(days=days),
    )
    audit(
        "token.created",
        description=f"Made the API token \u201c{name}\u201d for {days} days.",
        subject_id=token.public_id,
        permissions=sorted(wanted),
    )
    return text


@transaction.atomic
def token_revoke(token: ApiToken) -> None:
    """End a token now and for ever."""
    if not ApiToken.objects.filter(pk=token.pk).delete()[0]:
        raise Conflict("This token was revoked already.")
    whose = token.membership.user
    audit(
        "token.revoked",
        description=f"Revoked the API token \u201c{token.name}\u201d of {whose}.",
        subject_id=token.public_id,
    )


def tokens_of(membership: Membership) -> list[ApiToken]:
    """A member's own, newest first."""
    return list(ApiToken.objects.filter(membership_id=membership.pk).order_by("-id"))


def tokens_of_account(account_id: int) -> list[ApiToken]:
    """Everybody's in an account, by person."""
    rows = ApiToken.objects.filter(membership__account_id=account_id)
    return list(rows.select_related("membership__user").order_by("membership__user__email", "-id"))


def take_token(request: HttpRequest) -> ApiToken | None:
    """Let a request to the API be its token's, and nothing else's: no session, no cookie, so no forged form.

    A token that is not good leaves nobody, even where a cookie would name somebody.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "token" or not request.path.startswith(API):
        return None
    token = _good(text.strip())
    request.user = token.membership.user if token else AnonymousUser()
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    request.session = SessionStore()
    if token:
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        _note_use(token, client_address(request))
    return token


def as_token(token: ApiToken, member: Actor) -> Actor:
    """What a member may at this moment, narrowed down to the token."""
    services = member.services
    if token.services is not None:
        chosen = frozenset(token.services)
        services = chosen if services is None else services & chosen
    return replace(
        member,
        label=f"{member.label} (API token {token.name})",
        permissions=member.permissions & frozenset(token.permissions),
        services=services,
    )


def forget_over() -> None:
    """Delete the rows of tokens that ended a while ago."""
    ApiToken.objects.filter(expires_at__lt=clock.now() - KEPT_WHEN_OVER).delete()


def _good(text: str) -> ApiToken | None:
    rows = ApiToken.objects.select_related("membership__account", "membership__user")
    return rows.filter(
        digest=_digest(text),
        expires_at__gt=clock.now(),
        membership__is_active=True,
        membership__user__is_active=True,
    ).first()


def _note_use(token: ApiToken, address: str) -> None:
    now = clock.now()
    if token.last_used_at is None or now - token.last_used_at >= USED_EVERY or token.last_used_from != address:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
