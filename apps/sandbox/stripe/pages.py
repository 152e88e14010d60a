"""The hosted pages: where a person enters a card, and where their bank asks them to prove who they are."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from . import checkout
from .errors import StripeFault
from .intents import Desk

HERE = Path(__file__).parent / "templates"
_templates = Environment(loader=FileSystemLoader(HERE), autoescape=select_autoescape())


def _page(name: str, session: dict[str, Any] | None, *, status: int = 200, **values: Any) -> Response:
    """Forms lead back to the shop in the end, and browsers check redirects of forms too."""
    back = urlsplit(str(session["success_url"])) if session else None
    target = f" {back.scheme}://{back.netloc}" if back else ""
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'self'; form-action 'self'{target}; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
    amount = _amount(session) if session else ""
    text = _templates.get_template(name).render(session=session, amount=amount, **values)
    return HTMLResponse(text, status, headers)


def _amount(session: dict[str, Any]) -> str:
    if session["amount_total"] is None:
        return ""
    places = 0 if session["currency"] in ("jpy", "krw") else 2
    return f"{session['amount_total'] / 10**places:,.{places}f} {str(session['currency']).upper()}"


def routes(desk: Desk) -> list[Route]:
    async def pay(request: Request) -> Response:
        found = _session(desk, request.path_params["id"])
        if isinstance(found, Response):
            return found
        if request.method == "GET":
            return _page("pay.html", found, error="", given={})
        given = await _posted(request)
        return _go_on(lambda: checkout.enter(desk, found, given), found, given)

    async def prove(request: Request) -> Response:
        intent = desk.book.objects.get(request.path_params["id"], {})
        wanted = request.query_params.get("session", "")
        found = _session(desk, wanted)
        if isinstance(found, Response):
            return found
        if intent.get("status") != "requires_action" or intent["id"] not in (
            found["payment_intent"],
            found["setup_intent"],
        ):
            return _page("closed.html", None, status=404)
        if request.method == "GET":
            return _page("prove.html", found)
        is_proved = (await _posted(request)).get("answer") == "complete"
        return _go_on(lambda: checkout.proved(desk, found, is_proved), found, {})

    def _go_on(act: Callable[[], str], found: dict[str, Any], given: dict[str, str]) -> Response:
        try:
            return RedirectResponse(act(), 303)
        except StripeFault as problem:
            said = problem.body["error"]["message"]
            return _page("pay.html", found, status=402, error=said, given=given)
        finally:
            desk.book.keep()

    async def receipt(request: Request) -> Response:
        charge = desk.book.objects.get(request.path_params["id"])
        return _page("receipt.html" if charge else "closed.html", None, charge=charge)

    async def style(request: Request) -> Response:
        return FileResponse(HERE / "pay.css", media_type="text/css")

    both = ["GET", "POST"]
    handlers: list[tuple[str, Callable[[Request], Awaitable[Response]], list[str]]] = [
        ("/c/pay/{id}", pay, both),
        ("/c/3ds/{id}", prove, both),
        ("/receipts/{id}", receipt, ["GET"]),
        ("/c/pay.css", style, ["GET"]),
    ]
    return [Route(path, handler, methods=methods) for path, handler, methods in handlers]


def _session(desk: Desk, wanted: str) -> dict[str, Any] | Response:
    """The open session, or the page that says that this one is over."""
    try:
        session = checkout.session_of(desk, wanted)
    except StripeFault:
        return _page("closed.html", None, status=404)
    if session["status"] == "open":
        return session
    return _page("closed.html", None, back=checkout.return_address(session), is_paid=session["status"])


async def _posted(request: Request) -> dict[str, str]:
    body = (await request.body()).decode()
    return {key: values[-1].strip() for key, values in parse_qs(body, keep_blank_values=True).items()}
