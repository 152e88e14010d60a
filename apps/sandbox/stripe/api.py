"""`/v1/`: key, version, idempotency and faults around the endpoints of `resources`."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import checkout, form, resources
from .errors import StripeFault, invalid, on_demand, unauthorized
from .intents import Desk
from .resources import Endpoint

DAY = 24 * 3600
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", "customers"): resources.customer_create,
    ("GET", "customers"): resources.customer_list,
    ("GET", "customers/{id}"): resources.customer_show,
    ("POST", "customers/{id}"): resources.customer_update,
    ("DELETE", "customers/{id}"): resources.customer_delete,
    ("GET", "customers/{id}/payment_methods"): resources.method_list,
    ("POST", "payment_methods"): resources.method_create,
    ("GET", "payment_methods"): resources.method_list,
    ("GET", "payment_methods/{id}"): resources.method_show,
    ("POST", "payment_methods/{id}/attach"): resources.method_attach,
    ("POST", "payment_methods/{id}/detach"): resources.method_detach,
    ("POST", "setup_intents"): resources.setup_create,
    ("GET", "setup_intents"): resources.setup_list,
    ("GET", "setup_intents/{id}"): resources.setup_show,
    ("POST", "payment_intents"): resources.payment_create,
    ("GET", "payment_intents"): resources.payment_list,
    ("GET", "payment_intents/{id}"): resources.payment_show,
    ("POST", "payment_intents/{id}/confirm"): resources.payment_confirm,
    ("POST", "payment_intents/{id}/cancel"): resources.payment_cancel,
    ("GET", "charges"): resources.charge_list,
    ("GET", "charges/{id}"): resources.charge_show,
    ("POST", "refunds"): resources.refund_create,
    ("GET", "refunds"): resources.refund_list,
    ("GET", "refunds/{id}"): resources.refund_show,
    ("POST", "checkout/sessions"): checkout.session_create,
    ("GET", "checkout/sessions"): checkout.session_list,
    ("GET", "checkout/sessions/{id}"): checkout.session_show,
    ("POST", "checkout/sessions/{id}/expire"): checkout.session_expire,
    ("GET", "checkout/sessions/{id}/line_items"): checkout.line_items,
    ("GET", "events"): resources.event_list,
    ("GET", "events/{id}"): resources.event_show,
}


@dataclass
class Fault:
    """`kind`: an HTTP status, `lost` (done, but the answer never arrives) or `refused` (never arrives)."""

    kind: str
    method: str = ""
    path: str = ""
    skip: int = 0
    count: int = 1
    reached: int = 0

    def hits(self, method: str, path: str) -> bool:
        if self.count <= 0 or (self.method and self.method != method) or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.count -= 1
        self.reached += 1
        return True


@dataclass
class Counter:
    """What was asked of the API, for tests."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Lost(Response):
    """The connection breaks before the answer is complete."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        await asyncio.sleep(0)
        raise ConnectionResetError("on demand")


class Api:
    """Answers one request at a time: nothing here waits for anything, so acts never mix."""

    def __init__(self, desk: Desk, key: str) -> None:
        self.desk, self.key, self.counter = desk, key, Counter()

    def routes(self) -> list[Route]:
        found = [
            Route(f"/v1/{path}", self._handler(method, endpoint), methods=[method])
            for (method, path), endpoint in ENDPOINTS.items()
        ]
        every = ["GET", "POST", "DELETE", "PUT", "PATCH"]
        return [*found, Route("/v1/{rest:path}", self._nowhere, methods=every)]

    async def _nowhere(self, request: Request) -> Response:
        said = f"Unrecognized request URL ({request.method}: {request.url.path})."
        return JSONResponse({"error": {"message": said, "type": "invalid_request_error"}}, 404)

    def _handler(self, method: str, endpoint: Endpoint) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            text = (await request.body()).decode() if method == "POST" else request.url.query
            path, asked = request.url.path, self.desk.book.new_id("req")
            self.counter.requests.append({"method": method, "path": path, "id": asked})
            fault = next((each for each in self.counter.faults if each.hits(method, path)), None)
            if fault is not None and fault.kind == "refused":
                return Lost()
            status, body, replayed = self._answer(request, endpoint, text, asked, fault)
            self.desk.book.keep()
            if fault is not None and fault.kind == "lost":
                return Lost()
            headers = {"Request-Id": asked, "Stripe-Version": request.headers.get("stripe-version", "")}
            if replayed:
                headers["Idempotent-Replayed"] = "true"
            if status == 500:
                headers["Stripe-Should-Retry"] = "false"
            return JSONResponse(body, status, headers)

        return handle

    def _answer(
        self, request: Request, endpoint: Endpoint, text: str, asked: str, fault: Fault | None
    ) -> tuple[int, dict[str, Any], bool]:
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        slip = f"{request.method} {request.url.path} {text}"
        mark = hashlib.sha256(slip.encode()).hexdigest()
        self.desk.events.request |= {"id": asked, "idempotency_key": key or None}
        try:
            self._check(request)
            known = self._known(key, mark)
            if known is not None:
                return known["status"], known["body"], True
            if fault is not None and fault.kind.isdigit():
                raise on_demand(int(fault.kind))
            body = resources.answer(self.desk, endpoint, form.read(text), *request.path_params.values())
        except StripeFault as problem:
            if key and problem.saved:
                self._save(key, mark, problem.status, problem.body)
            return problem.status, problem.body, False
        if key:
            self._save(key, mark, 200, body)
        return 200, body, False

    def _check(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.key:
            raise unauthorized(given)
        version = request.headers.get("stripe-version")
        if version is not None and not _VERSION.fullmatch(version):
            raise invalid(f"Invalid Stripe API version: {version}")
        kind = request.headers.get("content-type", "application/x-www-form-urlencoded")
        if request.method == "POST" and not kind.startswith("application/x-www-form-urlencoded"):
            raise invalid("Invalid request: the body must be form-encoded.")

    def _known(self, key: str, mark: str) -> dict[str, Any] | None:
        """The answer that this key already got; keys are forgotten after a day."""
        known = self.desk.book.keys.get(key) if key else None
        if known is None or known["at"] < self.desk.book.now() - DAY:
            return None
        if known["mark"] != mark:
            raise StripeFault(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request.",
            )
        return known

    def _save(self, key: str, mark: str, status: int, body: dict[str, Any]) -> None:
        # A copy: what was answered stays as it was, whatever becomes of the object.
        said = json.loads(json.dumps(body))
        self.desk.book.keys[key] = {"mark": mark, "status": status, "body": said, "at": self.desk.book.now()}
