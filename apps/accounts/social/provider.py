"""The way to a provider and back: allauth's OpenID Connect, with all checked that it takes on trust.

Allauth keeps the state in the session and proves the code with PKCE. Ours are the nonce, the signature,
audience and issuer of the id_token, whose userinfo it is, and that nothing of our page's address line
gets into the request.
"""

import logging
import secrets
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from requests import RequestException

from apps.core.errors import InvalidRequest, Malformed, Unavailable

from .configured import KNOWN, MICROSOFT
from .identity import Identity, identity_of, issuer_for

logger = logging.getLogger("everkeep.accounts")
LEEWAY: Final = 60
DISCOVERY_SECONDS: Final = 600
# Why somebody goes to a provider: to sign in, to link an identity, to prove that it is still them.
SIGN_IN, LINK, PROVE = "login", "connect", "prove"
NEEDED: Final = ["iss", "sub", "aud", "exp", "iat"]


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Talks to one provider's server."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's own description, which must come from where the operator said."""
        server = self.get_provider().server_url
        found: dict[str, Any] | None = cache.get(f"oidc:{server}")
        if found is None:
            found = self._fetched(server)
            if urlsplit(str(found.get("issuer")))[:2] != urlsplit(server)[:2]:
                raise Malformed(
                    "The provider calls itself by another address.", do="Tell who runs this portal."
                )
            cache.set(f"oidc:{server}", found, DISCOVERY_SECONDS)
        return found

    def get_provider(self) -> "SignInProvider":
        return provider_of(self.request, self.provider_id)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return urljoin(str(settings.PORTAL_URL), reverse("provider_back", args=[self.provider_id]))

    def identify(self, code: str, state: dict[str, Any]) -> tuple[Identity, dict[str, Any]]:
        """Exchange the code and say who it is; the claims come along. Raises RemoteError, InvalidRequest."""
        app = self.get_provider().app
        try:
            client = self.get_client(self.request, app)
            answer = client.get_access_token(code, pkce_code_verifier=state.get("pkce_code_verifier"))
        except (OAuth2Error, KeyError) as error:
            # A code that was used before, or an operator's wrong secret, which must be found in the log.
            logger.warning("%s gave no token: %s", app.name, error)
            raise stranger() from error
        except RequestException as error:
            raise _silent(app) from error
        claims = self._checked(app, str(answer.get("id_token", "")), str(state.get("nonce", "")))
        return identity_of(self.provider_id, self._completed(claims, str(answer["access_token"]))), claims

    def _checked(self, app: SocialApp, id_token: str, nonce: str) -> dict[str, Any]:
        try:
            keys = jwt.PyJWKSet.from_dict(self._fetched(self.openid_config["jwks_uri"]))
            # Only a provider with one key may leave out which one it was.
            name = str(jwt.get_unverified_header(id_token).get("kid") or "")
            key = keys[name] if name or len(keys.keys) != 1 else keys.keys[0]
            claims: dict[str, Any] = jwt.decode(
                id_token, key.key, ["RS256"], audience=app.client_id, leeway=LEEWAY,
                options={"require": NEEDED},
            )  # fmt: skip
        except (jwt.PyJWTError, KeyError) as error:
            logger.warning("the id_token of %s is refused: %s", app.name, error)
            raise stranger() from error
        is_for_us = claims["aud"] in (app.client_id, [app.client_id])
        is_theirs = claims["iss"] == issuer_for(self.openid_config["issuer"], claims)
        is_answer = bool(nonce) and secrets.compare_digest(str(claims.get("nonce")), nonce)
        if not (is_for_us and is_theirs and is_answer):
            logger.warning("the id_token of %s names another client, issuer or attempt", app.name)
            raise stranger()
        return claims

    def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Okta puts no address into an id_token: it is fetched, from an answer about the same person only."""
        address = self.openid_config.get("userinfo_endpoint")
        if claims.get("email") or not address or self.provider_id == MICROSOFT:
            return claims
        told = self._fetched(address, headers={"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != claims["sub"]:
            raise stranger()
        return {**{name: told.get(name) for name in ("email", "email_verified", "name")}, **claims}

    def _fetched(self, address: str, **options: Any) -> dict[str, Any]:
        try:
            with get_adapter().get_requests_session() as session:
                answer = session.get(address, **options)
                answer.raise_for_status()
                found = answer.json()
        except RequestException as error:
            raise _silent(self.get_provider().app) from error
        if not isinstance(found, dict):
            raise _silent(self.get_provider().app)
        return found


class SignInProvider(OpenIDConnectProvider):  # type: ignore[misc]
    """One button of the sign-in page."""

    oauth2_adapter_class = Adapter

    def leave(self, request: HttpRequest, process: str, following: str = "") -> str:
        """The provider's address to send the browser to. Raises RemoteError when it does not answer."""
        nonce = secrets.token_urlsafe(24)
        answer = self.redirect(
            request, process, following or None, user=request.user.pk, nonce=nonce,
            auth_params={"nonce": nonce, **self._manner(process)}, scope=self.get_scope(),
        )  # fmt: skip
        return str(answer.url)

    def _manner(self, process: str) -> dict[str, str]:
        """Okta knows no choice of accounts, and Google cannot be told to ask for the password again."""
        if process == PROVE:
            return {"prompt": "login", "max_age": "0"}
        return {"prompt": "select_account"} if process == LINK and self.app.provider_id != "okta" else {}


def provider_of(request: HttpRequest, key: str) -> SignInProvider:
    """The provider of this key. Raises KeyError when the operator has not configured it."""
    configured = settings.SIGN_IN_PROVIDERS[key]
    app = SocialApp(
        provider=SignInProvider.id, provider_id=key, name=KNOWN[key][0],
        client_id=configured.client_id, secret=configured.secret,
        settings={"server_url": configured.server, "oauth_pkce_enabled": True},
    )  # fmt: skip
    return SignInProvider(request, app=app)


def _silent(app: SocialApp) -> Unavailable:
    return Unavailable(f"{app.name} does not answer.", do="Try again in a few minutes, or sign in another way.")


def stranger() -> InvalidRequest:
    """For an answer whose state, code, nonce or signature is not the one that was expected."""
    return InvalidRequest(
        "This answer belongs to no attempt of yours, or came too late.", do="Start again from the sign-in page."
    )
