"""The token endpoint, OpenID configuration and instance discovery."""

import base64
import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .. import defaults
from ..cloud import Cloud
from ..state import directory
from . import pages
from .credentials import authenticate
from .errors import ANY_TENANT, SignInError, check_tenant
from .tokens import TokenRefused

GRAPH_SCOPE = "https://graph.microsoft.com/"


def base_of(request: Request) -> str:
    configured: str | None = request.app.state.public_url
    return configured or str(request.base_url).rstrip("/")


async def token(request: Request) -> JSONResponse:
    cloud: Cloud = request.app.state.cloud
    cloud.refresh()
    tenant = request.path_params["tenant"]
    form = {key: str(value) for key, value in (await request.form()).items()}
    grant = form.get("grant_type", "")
    check_tenant(tenant, any_allowed=grant != "client_credentials")
    paths = (f"/{tenant}/oauth2/v2.0/token", f"/{tenant}/v2.0", f"/{defaults.TENANT_ID}/oauth2/v2.0/token")
    app = authenticate(cloud.db, form, request.headers.get("authorization", ""), paths)
    handlers = {"client_credentials": _app_only, "authorization_code": _by_code, "refresh_token": _by_refresh}
    if grant not in handlers:
        raise SignInError(
            "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'."
        )
    answer = handlers[grant](cloud, app, form, base_of(request))
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _app_only(cloud: Cloud, app: dict[str, Any], form: dict[str, str], base: str) -> dict[str, Any]:
    if not form.get("scope", "").endswith("/.default"):
        text = f"The provided value for 'scope' is not valid: '{form.get('scope', '')}' must end in /.default."
        raise SignInError("invalid_scope", 1002012, text)
    seconds = cloud.switches.token_seconds
    roles = directory.consented_roles(cloud.db, app["client_id"]) or []
    access = cloud.tokens.issue(app["client_id"], seconds, **({"roles": roles} if roles else {}))
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": access}


def _by_code(cloud: Cloud, app: dict[str, Any], form: dict[str, str], base: str) -> dict[str, Any]:
    grant = _unpack(cloud, form.get("code", ""), "code", app)
    if grant["redirect_uri"] != form.get("redirect_uri"):
        raise SignInError(
            "invalid_grant", 500112, "The reply address does not match the one of the authorization request."
        )
    if cloud.db.get(f"used.{grant['jti']}"):
        raise SignInError("invalid_grant", 54005, "The authorization code was already redeemed.")
    cloud.db.set(f"used.{grant['jti']}", "1")
    _check_verifier(grant, form.get("code_verifier"))
    return _delegated(cloud, app, grant, base)


def _check_verifier(grant: dict[str, Any], verifier: str | None) -> None:
    challenge = grant.get("challenge")
    if not challenge:
        return
    made = verifier or ""
    if grant.get("method") == "S256":
        made = base64.urlsafe_b64encode(hashlib.sha256(made.encode()).digest()).decode().rstrip("=")
    if made != challenge:
        raise SignInError("invalid_grant", 501481, "The code_verifier does not match the code_challenge.")


def _by_refresh(cloud: Cloud, app: dict[str, Any], form: dict[str, str], base: str) -> dict[str, Any]:
    return _delegated(cloud, app, _unpack(cloud, form.get("refresh_token", ""), "refresh", app), base)


def _unpack(cloud: Cloud, text: str, kind: str, app: dict[str, Any]) -> dict[str, Any]:
    try:
        grant = cloud.tokens.unpack(text)
    except TokenRefused as error:
        raise SignInError(
            "invalid_grant", 70008, "The provided authorization code or refresh token has expired."
        ) from error
    if grant.get("kind") != kind or grant["appid"] != app["client_id"]:
        raise SignInError(
            "invalid_grant", 9002313, "Invalid request. The grant is malformed or was made for another app."
        )
    return grant


def _delegated(cloud: Cloud, app: dict[str, Any], grant: dict[str, Any], base: str) -> dict[str, Any]:
    user = directory.find_user(cloud.db, grant["user"])
    if user is None:
        raise SignInError("invalid_grant", 50034, "The user account does not exist in the directory.")
    seconds, scope = cloud.switches.token_seconds, str(grant["scope"])
    names = [name.removeprefix(GRAPH_SCOPE) for name in scope.split() if not name.endswith("/.default")]
    access = cloud.tokens.issue(
        app["client_id"], seconds, oid=user.id, upn=user.upn, scp=" ".join([*names, "User.Read"])
    )
    answer = {
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": access,
    }
    if "offline_access" in scope.split():
        kept = {"kind": "refresh", "user": user.id, "scope": scope}
        answer["refresh_token"] = cloud.tokens.issue(app["client_id"], 90 * 86400, **kept)
    if "openid" in scope.split():
        answer["id_token"] = cloud.tokens.id_token(
            app["client_id"],
            f"{base}/{defaults.TENANT_ID}/v2.0",
            sub=user.id,
            oid=user.id,
            name=user.doc.get("displayName"),
            preferred_username=user.upn,
            email=user.doc.get("mail") or user.upn,
            **({"wids": [defaults.GLOBAL_ADMINISTRATOR]} if user.is_admin else {}),
            **({"nonce": grant["nonce"]} if grant.get("nonce") else {}),
            **_optional_claims(app, grant, user),
        )
    return answer


def _optional_claims(app: dict[str, Any], grant: dict[str, Any], user: directory.User) -> dict[str, Any]:
    """What the registration asked for; the domain of an address is proved when it is the tenant's own."""
    email = str(user.doc.get("mail") or user.upn).lower()
    proved = email.endswith((f"@{defaults.DOMAIN}", f"@{defaults.INITIAL_DOMAIN}"))
    known = {"auth_time": grant.get("auth_time"), "xms_edov": proved}
    return {name: known[name] for name in app.get("optional_claims", ()) if name in known}


async def openid_configuration(request: Request) -> JSONResponse:
    tenant, base = request.path_params["tenant"], base_of(request)
    check_tenant(tenant, any_allowed=True)
    shown = tenant if tenant in ANY_TENANT else defaults.TENANT_ID
    issuer = f"{base}/{'{tenantid}' if tenant in ANY_TENANT else shown}/v2.0"
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/{shown}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/{shown}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/{shown}/discovery/v2.0/keys",
            "userinfo_endpoint": f"{base}/v1.0/me",
            "end_session_endpoint": f"{base}/{shown}/oauth2/v2.0/logout",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": base.partition("://")[2],
            "msgraph_host": base.partition("://")[2],
        }
    )


async def keys(request: Request) -> JSONResponse:
    cloud: Cloud = request.app.state.cloud
    return JSONResponse(cloud.tokens.public_keys())


async def instance_discovery(request: Request) -> JSONResponse:
    base = base_of(request)
    host = base.partition("://")[2]
    return JSONResponse(
        {
            "tenant_discovery_endpoint": f"{base}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )


ROUTES = [
    Route("/common/discovery/instance", instance_discovery),
    Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
    Route("/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
    Route("/{tenant}/discovery/v2.0/keys", keys),
    *pages.ROUTES,
]
