"""Pages that a person clicks through: pick an account, then accept or refuse what the app asks for."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .. import defaults
from ..cloud import Cloud
from ..state import directory
from . import errors
from .errors import SignInError, check_tenant
from .permissions import MEANING

HERE = Path(__file__).parent
SESSION_COOKIE = "sandbox_account"
AGE_OF_A_SESSION = 3600
LOOPBACK = {"localhost", "127.0.0.1", "::1", "testserver"}
_templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def page(name: str, *, status: int = 200, redirect_uri: str = "", **values: Any) -> HTMLResponse:
    """Under a strict policy; forms may lead to the app that asked, as browsers check redirects of forms too."""
    target = f"'self' {_origin(redirect_uri)}".strip()
    policy = (
        f"default-src 'none'; style-src 'self'; form-action {target}; base-uri 'none'; frame-ancestors 'none'"
    )
    text = _templates.get_template(name).render(company=defaults.COMPANY, **values)
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(text, status, headers)


def _redirect_allowed(app: dict[str, Any], uri: str) -> bool:
    """A registered address exactly; a registered loopback address with any port and path."""
    given = urlsplit(uri)
    for registered in app.get("redirect_uris", ()):
        known = urlsplit(registered)
        if uri == registered or (
            known.hostname in LOOPBACK and given.hostname in LOOPBACK and given.scheme == "http"
        ):
            return True
    return False


def _app_of(cloud: Cloud, asked: dict[str, str]) -> dict[str, Any]:
    """Raises SignInError; such errors are shown, never sent to an address that is not the app's."""
    app = directory.find_app(cloud.db, asked.get("client_id", ""))
    if app is None:
        raise errors.unknown_app(asked.get("client_id", ""))
    if not _redirect_allowed(app, asked.get("redirect_uri", "")):
        raise errors.wrong_redirect(asked.get("redirect_uri", ""))
    return app


def _back(asked: dict[str, str], values: dict[str, str]) -> Response:
    uri = asked["redirect_uri"]
    if asked.get("state"):
        values["state"] = asked["state"]
    if asked.get("response_mode") == "form_post":
        return page("post_back.html", redirect_uri=uri, uri=uri, values=values)
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}", 302)


async def _asked(request: Request) -> dict[str, str]:
    source = request.query_params if request.method == "GET" else await request.form()
    return {key: str(value) for key, value in source.items()}


async def _show(request: Request, finish: Any) -> Response:
    """The three steps of both pages: whom, what, done."""
    cloud: Cloud = request.app.state.cloud
    cloud.refresh()
    asked = await _asked(request)
    try:
        app = _app_of(cloud, asked)
        return finish(request, cloud, app, asked)  # type: ignore[no-any-return]
    except SignInError as error:
        return page("error.html", status=400, error=error, details=error.body())


def _kept(asked: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in asked.items() if key not in ("account", "decision")}


def _pick(cloud: Cloud, app: dict[str, Any], asked: dict[str, str]) -> Response:
    people = [
        user
        for user in directory.users(cloud.db)
        if user.doc.get("accountEnabled") and user.doc.get("userType") != "Guest"
    ]
    people.sort(key=lambda user: (not user.is_admin, str(user.doc.get("displayName"))))
    return page("pick.html", redirect_uri=asked["redirect_uri"], app=app, people=people, kept=_kept(asked))


def _consent_page(app: dict[str, Any], asked: dict[str, str], user: Any) -> Response:
    wanted = [
        (role, MEANING.get(role, "Use this permission of Microsoft Graph")) for role in sorted(app["roles"])
    ]
    return page(
        "consent.html", redirect_uri=asked["redirect_uri"], app=app, user=user, wanted=wanted,
        kept=_kept(asked) | {"account": asked["account"]},
    )  # fmt: skip


def _admin_consent(request: Request, cloud: Cloud, app: dict[str, Any], asked: dict[str, str]) -> Response:
    if asked.get("decision") == "cancel":
        text = "AADSTS65004: User declined to consent to access the app."
        return _back(asked, {"error": "permission_denied", "error_description": text, "admin_consent": "False"})
    user = directory.find_user(cloud.db, asked.get("account", ""))
    if user is None or request.method == "GET":
        return _pick(cloud, app, asked)
    if not user.is_admin:
        return page(
            "need_admin.html", redirect_uri=asked["redirect_uri"], app=app, user=user, kept=_kept(asked)
        )
    if asked.get("decision") != "accept":
        return _consent_page(app, asked, user)
    directory.consent(cloud.db, app["client_id"], app["roles"])
    scope = " ".join(f"https://graph.microsoft.com/{role}" for role in app["roles"])
    answer = _back(asked, {"admin_consent": "True", "tenant": defaults.TENANT_ID, "scope": scope})
    answer.set_cookie(SESSION_COOKIE, user.id, httponly=True, samesite="lax")
    return answer


def _authorise(request: Request, cloud: Cloud, app: dict[str, Any], asked: dict[str, str]) -> Response:
    if asked.get("response_type") != "code":
        return _back(
            asked, {"error": "unsupported_response_type", "error_description": "AADSTS700054: only code."}
        )
    if asked.get("decision") == "cancel":
        text = "AADSTS65004: User declined to consent to access the app."
        return _back(asked, {"error": "access_denied", "error_description": text})
    user = directory.find_user(cloud.db, asked.get("account", ""))
    known = cloud.db.get(f"signed-in.{app['client_id']}.{user.id}") if user else None
    if single := _single_sign_on(request, cloud, app, asked):
        user, known = single, "1"
    elif user is None or request.method == "GET":
        return _pick(cloud, app, asked)
    if asked.get("decision") != "accept" and (not known or asked.get("prompt") == "consent"):
        return _consent_page({**app, "roles": _delegated_names(asked)}, asked, user)
    cloud.db.set(f"signed-in.{app['client_id']}.{user.id}", "1")
    code = cloud.tokens.issue(
        app["client_id"], 600, kind="code", user=user.id, scope=asked.get("scope", ""),
        redirect_uri=asked["redirect_uri"], nonce=asked.get("nonce"),
        challenge=asked.get("code_challenge"), method=asked.get("code_challenge_method"),
        auth_time=int(time.time()) - (AGE_OF_A_SESSION if single else 0),
    )  # fmt: skip
    return _back(asked, {"code": code, "session_state": user.id})


def _single_sign_on(request: Request, cloud: Cloud, app: dict[str, Any], asked: dict[str, str]) -> Any:
    """The person who consented for the whole tenant in this browser needs no page for signing in."""
    if asked.get("prompt") or directory.consented_roles(cloud.db, app["client_id"]) is None:
        return None
    return directory.find_user(cloud.db, request.cookies.get(SESSION_COOKIE, ""))


def _delegated_names(asked: dict[str, str]) -> list[str]:
    return [name.removeprefix("https://graph.microsoft.com/") for name in asked.get("scope", "").split()]


def _checked_tenant(request: Request) -> Response | None:
    try:
        check_tenant(request.path_params["tenant"], any_allowed=True)
    except SignInError as error:
        return page("error.html", status=400, error=error, details=error.body())
    return None


async def admin_consent(request: Request) -> Response:
    return _checked_tenant(request) or await _show(request, _admin_consent)


async def authorise(request: Request) -> Response:
    return _checked_tenant(request) or await _show(request, _authorise)


async def logout(request: Request) -> Response:
    return page("signed_out.html")


async def stylesheet(request: Request) -> Response:
    return FileResponse(HERE / "static" / "sandbox.css", media_type="text/css")


async def front(request: Request) -> Response:
    cloud: Cloud = request.app.state.cloud
    cloud.refresh()
    people = directory.users(cloud.db)
    return page(
        "front.html",
        people=people,
        apps=directory.apps(cloud.db),
        tenant=defaults.TENANT_ID,
        domain=defaults.DOMAIN,
    )


ROUTES = [
    Route("/", front),
    Route("/_static/sandbox.css", stylesheet),
    Route("/{tenant}/adminconsent", admin_consent, methods=["GET", "POST"]),
    Route("/{tenant}/v2.0/adminconsent", admin_consent, methods=["GET", "POST"]),
    Route("/{tenant}/oauth2/v2.0/authorize", authorise, methods=["GET", "POST"]),
    Route("/{tenant}/oauth2/v2.0/logout", logout),
]
