"""Signing in to a tenant as an app: tokens by client credentials, and the words for every refusal.

One path for secrets and certificates, through our own client. msal is not used: it refuses plain-http
authorities, so tests and the sandbox would run other code than production.
"""

import asyncio
import hashlib
import logging
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import orjson

from apps.core.errors import ConsentLost, RemoteError, Unavailable

from .credentials import Credential
from .endpoints import Endpoints
from .patience import Patience, read_retry_after
from .wire import BROKEN, Reply, Wire, post_form

logger = logging.getLogger(__name__)

REFRESH_BEFORE: Final = 300.0
_SCOPE: Final = "https://graph.microsoft.com/.default"
_AADSTS: Final = re.compile(r"AADSTS(\d+)")

_RENEW: Final = "Make a new client secret in the app registration and enter it here."
_ASK_CONSENT: Final = "Authenticate the connection again as a Global Administrator."
_REFUSALS: Final[dict[int, tuple[str, str]]] = {
    7000215: ("The client secret is wrong.", "Copy the secret's value, not its id, or make a new one."),
    7000222: ("The client secret has expired.", _RENEW),
    7000216: ("The app needs a client secret or a certificate, and none was accepted.", _RENEW),
    700016: ("Microsoft does not know this app in this tenant.", "Check the client id and the tenant id."),
    700027: ("Microsoft does not accept the certificate.", "Upload it to the app registration and try again."),
    700024: ("The sign-in was refused because of the time.", "Check the clock of the Everkeep server."),
    90002: ("Microsoft does not know this tenant.", "Check the tenant id."),
    900023: ("Microsoft does not know this tenant.", "Check the tenant id."),
    900021: ("Microsoft does not know this tenant.", "Check the tenant id."),
    65001: ("Nobody has consented to the app, or the consent was taken back.", _ASK_CONSENT),
    7000112: ("The app is switched off in this tenant.", "Switch its enterprise application on again."),
    7000229: ("The app is not part of this tenant any more.", _ASK_CONSENT),
    500014: ("The tenant has no active subscription for this service.", "Check the tenant's subscription."),
    650052: ("The tenant has no active subscription for this service.", "Check the tenant's subscription."),
    53003: ("A conditional access policy of the tenant blocks the app.", "Exclude the app from that policy."),
}


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """Who signs in where. `credential` never shows in a representation."""

    tenant_id: str
    client_id: str
    credential: Credential


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    value: str
    renew_at: float


_kept: dict[bytes, _Token] = {}
"""Tokens of this process, by a digest of all that led to them: a changed secret finds nothing."""


class TokenSource:
    """Tokens of one app in one tenant: kept, renewed five minutes early and after a 401 (quirk 8)."""

    def __init__(self, identity: AppIdentity, *, endpoints: Endpoints, wire: Wire, patience: Patience) -> None:
        self._identity, self._wire, self._patience = identity, wire, patience
        self._url = f"{endpoints.login}/{identity.tenant_id}/oauth2/v2.0/token"
        self._key = _digest(self._url, identity)
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """Return a token that is good for some minutes. Raises ConsentLost or Unavailable."""
        async with self._lock:
            token = _kept.get(self._key)
            if token is None or token.renew_at <= self._patience.now():
                token = _kept[self._key] = await self._request()
            return token.value

    def forget(self, value: str) -> None:
        """Drop a token that was refused, unless a newer one has come meanwhile."""
        token = _kept.get(self._key)
        if token is not None and token.value == value:
            del _kept[self._key]

    def forget_any(self) -> None:
        """Drop whatever is kept, so that the next token proves that signing in works now."""
        _kept.pop(self._key, None)

    async def _request(self) -> _Token:
        for attempt in range(1, self._patience.tries + 1):
            now = self._patience.now()
            try:
                answer = await post_form(self._wire, self._url, self._form(now))
            except BROKEN:
                logger.info("microsoft sign-in: no answer, try %d", attempt)
                retry_after = None
            else:
                if answer.status < 300:
                    return _read_token(answer.body, now)
                if answer.status not in (408, 429) and answer.status < 500:
                    raise refusal(answer.body, _request_id(answer))
                retry_after = read_retry_after(answer.headers.get("retry-after"), now=now)
            if attempt < self._patience.tries:
                await self._patience.sleep(
                    retry_after if retry_after is not None else self._patience.wait_before(attempt)
                )
        raise Unavailable("Microsoft's sign-in does not answer.", do="The next run tries again.")

    def _form(self, now: float) -> dict[str, str]:
        proof = self._identity.credential.proof(
            client_id=self._identity.client_id, token_url=self._url, now=now
        )
        return {
            "grant_type": "client_credentials",
            "client_id": self._identity.client_id,
            "scope": _SCOPE,
            **proof,
        }


def refusal(body: bytes, request_id: str = "") -> RemoteError:
    """Put a refusal of the token endpoint into a user's words. Its own text is never shown."""
    fields = _fields(body)
    found = _AADSTS.search(str(fields.get("error_description", "")))
    number = int(found.group(1)) if found else 0
    known = _REFUSALS.get(number)
    what, do = known or ("Microsoft refused our sign-in.", _ASK_CONSENT)
    code = f"AADSTS{number}" if number else str(fields.get("error", ""))[:40]
    error = ConsentLost(f"{what} ({code})" if code else what, do=do, request_id=request_id)
    error.provider_code = code
    return error


def granted_by(token: str) -> frozenset[str] | None:
    """Read which application permissions a token carries: a hint for a page, never a decision of ours.

    None when it cannot be read: Microsoft does not promise that it can.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    return frozenset(map(str, claims.get("roles") or ()))


def consent_url(
    *, endpoints: Endpoints, client_id: str, redirect_uri: str, state: str, tenant: str = ""
) -> str:
    """Address where a Global Administrator consents to the app for the whole tenant
    (https://learn.microsoft.com/entra/identity-platform/v2-admin-consent)."""
    asked = urlencode({"client_id": client_id, "redirect_uri": redirect_uri, "state": state})
    return f"{endpoints.login}/{tenant or 'common'}/adminconsent?{asked}"


def _read_token(body: bytes, now: float) -> _Token:
    fields = _fields(body)
    value, seconds = fields.get("access_token"), fields.get("expires_in")
    if not isinstance(value, str) or not value:
        raise Unavailable("Microsoft's sign-in gave an answer without a token.", do="The next run tries again.")
    try:
        life = float(seconds if isinstance(seconds, int | float | str) else 0)
    except ValueError:
        life = 0.0
    return _Token(value, now + max(life - REFRESH_BEFORE, life / 2))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _request_id(answer: Reply) -> str:
    return str(answer.headers.get("x-ms-request-id") or answer.headers.get("request-id") or "")


def _digest(url: str, identity: AppIdentity) -> bytes:
    parts = (url, identity.client_id, identity.credential.to_bytes().decode())
    return hashlib.sha256("\0".join(parts).encode()).digest()
