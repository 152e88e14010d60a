"""Consent of a tenant to Everkeep's own app, and proof of who gave it.

The way back from Microsoft's consent page names the tenant in the address, which the person in front of the
browser could have typed: on its own it would open any tenant that ever consented. So that person signs in at
that tenant as a second step, and the id token, fetched from Microsoft by ourselves, must name the same tenant
and an administrator's role (https://learn.microsoft.com/entra/identity-platform/v2-admin-consent).
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import orjson

from apps.core.errors import ConsentLost, Forbidden, Malformed, Unavailable

from .auth import AppIdentity, refusal
from .endpoints import Endpoints
from .patience import Patience
from .wire import BROKEN, HttpWire, OpenWire, Reply, post_form

SCOPE: Final = "openid profile"
ADMIN_ROLES: Final = frozenset(
    {
        "62e90394-69f5-4237-9190-012177145e10",  # Global Administrator
        "e8611ab8-c189-46e8-94e1-60213ab1f814",  # Privileged Role Administrator
    }
)
"""Who may consent to application permissions of Graph, by role template id
(https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What one sign-in is bound to: kept in the person's session, used once."""

    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Proof":
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(64))


def sign_in_url(
    *, endpoints: Endpoints, tenant: str, client_id: str, redirect_uri: str, state: str, proof: Proof
) -> str:
    """Address where the person who consented says who they are: usually answered without a page."""
    digest = hashlib.sha256(proof.verifier.encode()).digest()
    asked = {
        "client_id": client_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": proof.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{endpoints.login}/{tenant}/oauth2/v2.0/authorize?{urlencode(asked)}"


async def administrator_of(
    identity: AppIdentity,
    *,
    code: str,
    redirect_uri: str,
    proof: Proof,
    endpoints: Endpoints | None = None,
    patience: Patience | None = None,
    wire: OpenWire = HttpWire,
) -> str:
    """Redeem the code and return the administrator's name.

    Raises ConsentLost when Microsoft refuses the code, Forbidden when the person belongs to another tenant or
    is no administrator, Unavailable, Malformed.
    """
    ends, now = endpoints or Endpoints.from_settings(), (patience or Patience.from_settings()).now()
    url = f"{ends.login}/{identity.tenant_id}/oauth2/v2.0/token"
    form = {
        "grant_type": "authorization_code",
        "client_id": identity.client_id,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": proof.verifier,
        "scope": SCOPE,
        **identity.credential.proof(client_id=identity.client_id, token_url=url, now=now),
    }
    async with wire() as line:
        try:
            answer = await post_form(line, url, form)
        except BROKEN as error:
            raise Unavailable("Microsoft's sign-in does not answer.", do="Try again in a minute.") from error
    if answer.status >= 500:
        raise Unavailable("Microsoft's sign-in does not answer.", do="Try again in a minute.")
    if answer.status >= 300:
        raise refusal(answer.body)
    return _check(_claims(answer), identity, proof, now)


def _claims(answer: Reply) -> dict[str, Any]:
    """Read the id token. It came from Microsoft's own address to us, so its signature adds nothing
    (OpenID Connect Core 3.1.3.7, point 6)."""
    try:
        return jwt.decode(orjson.loads(answer.body)["id_token"], options={"verify_signature": False})
    except (ValueError, KeyError, TypeError, jwt.InvalidTokenError) as error:
        raise Malformed("Microsoft's sign-in gave an answer that cannot be understood.") from error


def _check(claims: dict[str, Any], identity: AppIdentity, proof: Proof, now: float) -> str:
    if claims.get("aud") != identity.client_id or not secrets.compare_digest(
        str(claims.get("nonce", "")), proof.nonce
    ):
        raise ConsentLost("The sign-in does not belong to this attempt.", do="Authenticate once more.")
    if float(claims.get("exp") or 0) < now - 300:
        raise ConsentLost("The sign-in took too long.", do="Authenticate once more.")
    if str(claims.get("tid", "")).lower() != identity.tenant_id.lower():
        raise Forbidden(
            "You signed in to another organisation than the one that consented.",
            do="Authenticate once more, with the administrator of that organisation both times.",
        )
    roles = claims.get("wids")
    if not isinstance(roles, list) or ADMIN_ROLES.isdisjoint(str(role).lower() for role in roles):
        raise Forbidden(
            "Only a Global Administrator of the organisation can connect it.",
            do="Authenticate once more as one.",
        )
    return str(claims.get("name") or claims.get("preferred_username") or "")
