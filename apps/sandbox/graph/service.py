"""The Graph service: one plain ASGI application, since each layer costs at thousands of requests a second."""

import asyncio
import random
from itertools import count
from typing import Any
from uuid import uuid4

from ..behaviour import effects, wire
from ..behaviour.record import Entry
from ..cloud import Cloud
from ..identity.tokens import TokenRefused
from . import errors
from .batch import handle_batch
from .errors import GraphError
from .request import Request, Response
from .router import Route, Router, segments_of
from .routes import ROUTES

BODY_LIMIT = 4 * 1024 * 1024
DIAGNOSTIC = (
    b'{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SB0000"}}'
)


class GraphService:
    """One version of Graph: its `routes`, below a name of four letters (`/v1.0`, `/beta`)."""

    def __init__(self, cloud: Cloud, public_url: str | None = None, routes: list[Route] = ROUTES) -> None:
        self.cloud = cloud
        self.router = Router(routes)
        self.public_url = public_url
        self._ids = count(1)
        self._prefix = str(uuid4())[:24]

    # -- the wire -------------------------------------------------------------------------------------

    async def __call__(self, scope: dict[str, Any], receive: wire.Receive, send: wire.Send) -> None:
        cloud = self.cloud
        cloud.refresh()
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        method: str = scope["method"]
        body = b"" if method in ("GET", "DELETE") else await wire.read_body(receive)
        request = Request(
            cloud,
            method,
            scope["path"][5:],
            scope["query_string"].decode("latin-1"),
            headers,
            body,
            self._base(scope, headers),
        )
        steps = self.steps_of(request)
        request_id = f"{self._prefix}{next(self._ids):012x}"
        mailbox = request.mailbox_name
        cloud.record.enter(mailbox)
        places = cloud.throttle.take(mailbox)
        try:
            await self._wait(request)
            if mailbox and not places:
                response = self.failure(request, cloud.throttle.busy(mailbox), request_id)
                self.note(request, "(throttled)", response, in_batch=False)
            else:
                response = self.handle(request, steps, request_id)
            extra = self._headers(request, request_id)
            cloud.record.bytes_sent += await wire.answer(send, response, extra)
        finally:
            cloud.throttle.give_back(mailbox, places)
            cloud.record.leave(mailbox)

    def _base(self, scope: dict[str, Any], headers: dict[str, str]) -> str:
        if self.public_url:
            return self.public_url
        return f"{scope['scheme']}://{headers.get('host', 'localhost')}{scope.get('root_path', '')}"

    def _headers(self, request: Request, request_id: str) -> list[tuple[bytes, bytes]]:
        own = request_id.encode()
        return [
            (b"request-id", own),
            (b"client-request-id", request.headers.get("client-request-id", "").encode("latin-1") or own),
            (b"x-ms-ags-diagnostic", DIAGNOSTIC),
        ]

    async def _wait(self, request: Request) -> None:
        switches = self.cloud.switches
        if switches.latency_ms or switches.latency_jitter_ms:
            rounds = 1
            if request.path == "/$batch":  # Exchange works on four parts of a batch at a time
                rounds = max(1, (request.body.count(b'"method"') + 3) // 4)
            jitter = random.random() * switches.latency_jitter_ms
            await asyncio.sleep(rounds * (switches.latency_ms + jitter) / 1000)

    # -- one request, or one part of a batch -------------------------------------------------------------

    def steps_of(self, request: Request) -> list[str]:
        """Also finds out whose mailbox is meant."""
        self._authenticate_quietly(request)
        me = request.claims.user if request.claims else None
        steps = segments_of(request.path, me)
        if len(steps) > 1 and steps[0].lower() == "users":
            person = self.cloud.person(steps[1])
            is_archive = steps[1][:4].lower() == "mbx:"
            request.mailbox_name = person[0].upn if person and not is_archive else steps[1].lower()
        return steps

    def _authenticate_quietly(self, request: Request) -> None:
        token = request.headers.get("authorization", "")
        if token[:7].lower() == "bearer ":
            try:
                request.claims = self.cloud.tokens.read(token[7:])
            except TokenRefused:
                request.claims = None  # type: ignore[assignment]  # answered with 401 by `handle`

    def handle(
        self, request: Request, steps: list[str], request_id: str, *, in_batch: bool = False
    ) -> Response:
        template = "(unknown)"
        try:
            if steps == ["$batch"] and request.method == "POST" and not in_batch:
                template = "/$batch"
                response = handle_batch(self, request, request_id)
            else:
                route, ids, exists = self.router.find(request.method, steps)
                template = route.template if route else template
                response = self._with_faults(request, route, ids, exists)
        except GraphError as error:
            response = self.failure(request, error, request_id)
        self.note(request, template, response, in_batch=in_batch)
        return response

    def _with_faults(self, request: Request, route: Route | None, ids: list[str], exists: bool) -> Response:
        cloud = self.cloud
        fault = None
        if cloud.faults.script:
            fault = cloud.faults.pick(request.method, request.url, request.mailbox_name)
        if fault:
            replaced = effects.instead(fault, cloud, request)
            if replaced is not None:
                return replaced
        response = self._dispatch(request, route, ids, exists)
        return effects.afterwards(fault, response) if fault else response

    def _dispatch(self, request: Request, route: Route | None, ids: list[str], exists: bool) -> Response:
        if request.claims is None:
            missing = "authorization" not in request.headers
            raise errors.unauthorised("Access token is empty.") if missing else errors.unauthorised()
        if route is None:
            if exists:
                raise GraphError(
                    405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
                )
            raise errors.bad_request(f"Resource not found for the segment '{request.path.strip('/')[-80:]}'.")
        self.cloud.throttle.count(request.mailbox_name)
        if route.kind == "plain":
            if route.needs and not request.claims.has_any(route.needs):
                raise errors.directory_denied()
            return route.handler(request, *ids)
        return self._dispatch_to_user(request, route, ids)

    def _dispatch_to_user(self, request: Request, route: Route, ids: list[str]) -> Response:
        person = self.cloud.person(ids[0])
        own = person is not None and request.claims.user == person[0].id
        if not request.claims.has_any(route.needs) and not (own and route.kind == "user"):
            raise errors.mail_denied() if route.kind == "mail" else errors.directory_denied()
        if person is None:
            if route.kind == "mail":
                raise GraphError(404, "ErrorInvalidUser", f"The requested user '{ids[0]}' is invalid.")
            raise errors.no_user(ids[0])
        if route.kind == "user":
            return route.handler(request, person[0], *ids[1:])
        if request.claims.user and not own:
            raise errors.mail_denied()
        if person[1] is None:
            raise errors.no_mailbox()
        return route.handler(request, person[1], *ids[1:])

    def failure(self, request: Request, error: GraphError, request_id: str) -> Response:
        asked = request.headers.get("client-request-id") or request_id
        date = self.cloud.clock.now().strftime("%Y-%m-%dT%H:%M:%S")
        body = error.body(request_id, asked, date)
        return Response(body, status=error.status, content_type="application/json", headers=error.headers)

    def note(self, request: Request, template: str, response: Response, *, in_batch: bool) -> None:
        entry = Entry(request.method, template, request.url, request.mailbox_name, response.status, in_batch)
        self.cloud.record.note(entry)
