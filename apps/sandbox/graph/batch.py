"""`$batch`: up to twenty requests in one, throttled and answered one by one."""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from ..behaviour.effects import spoilt_part
from .errors import bad_request
from .request import Request, Response

if TYPE_CHECKING:
    from .service import GraphService

MOST_PARTS = 20
PARALLEL = 4


def handle_batch(service: "GraphService", request: Request, request_id: str) -> Response:
    parts = _checked(request)
    mailboxes = _Places(service)
    done: dict[str, int] = {}
    answers: list[dict[str, Any]] = []
    transport: dict[str, Any] | None = None
    try:
        for part in parts:
            if any(done.get(str(wanted).lower(), 500) >= 300 for wanted in part.get("dependsOn") or ()):
                response = _failed_dependency()
            else:
                response = _run(service, request, part, request_id, mailboxes)
            transport = transport or response.transport
            done[part["id"].lower()] = response.status
            answers.append(_answer(part["id"], response))
    finally:
        mailboxes.give_back()
    outer = Response({"responses": answers})
    outer.transport = transport
    return outer


def _checked(request: Request) -> list[dict[str, Any]]:
    parts = request.json().get("requests")
    if not isinstance(parts, list) or not parts:
        raise bad_request("Invalid batch payload format.")
    if len(parts) > MOST_PARTS:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MOST_PARTS}.")
    seen: set[str] = set()
    for part in parts:
        if not isinstance(part, dict) or not all(isinstance(part.get(k), str) for k in ("id", "method", "url")):
            raise bad_request("Invalid batch payload format.")
        if part["id"].lower() in seen:
            raise bad_request(f"The batch request id '{part['id']}' is not unique.")
        if any(str(wanted).lower() not in seen for wanted in part.get("dependsOn") or ()):
            raise bad_request("Invalid dependsOn: it must name requests that come before.")
        seen.add(part["id"].lower())
    return parts


class _Places:
    """The batch occupies up to four of each mailbox's places; with none free its parts are throttled."""

    def __init__(self, service: "GraphService") -> None:
        self.throttle = service.cloud.throttle
        self.taken: Counter[str] = Counter()

    def free(self, mailbox: str) -> bool:
        if mailbox not in self.taken:
            self.taken[mailbox] = self.throttle.take(mailbox, PARALLEL)
        return self.taken[mailbox] > 0

    def give_back(self) -> None:
        for mailbox, places in self.taken.items():
            self.throttle.give_back(mailbox, places)


def _run(
    service: "GraphService", outer: Request, part: dict[str, Any], request_id: str, places: _Places
) -> Response:
    request = _request(outer, part)
    steps = service.steps_of(request)
    if request.mailbox_name and not places.free(request.mailbox_name):
        response = service.failure(request, places.throttle.busy(request.mailbox_name), request_id)
        service.note(request, "(throttled)", response, in_batch=True)
        return response
    return service.handle(request, steps, request_id, in_batch=True)


def _request(outer: Request, part: dict[str, Any]) -> Request:
    headers = {str(k).lower(): str(v) for k, v in (part.get("headers") or {}).items()}
    headers.setdefault("authorization", outer.headers.get("authorization", ""))
    path, _, query = part["url"].partition("?")
    body = _body(part.get("body"), headers)
    return Request(
        outer.cloud,
        part["method"].upper(),
        unquote("/" + path.lstrip("/")),
        query,
        headers,
        body,
        outer.base_url,
    )


def _body(value: Any, headers: dict[str, str]) -> bytes:
    if value is None:
        return b""
    if "content-type" not in headers:
        raise bad_request("Write request with a body requires a Content-Type header.")
    if isinstance(value, str):
        if "json" in headers["content-type"] or headers["content-type"].startswith("text/"):
            return value.encode()
        try:
            return urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except Base64Error as error:
            raise bad_request("Invalid base64url body.") from error
    return orjson.dumps(value)


def _failed_dependency() -> Response:
    error = {"code": "FailedDependency", "message": "One of the requests that this one depends on has failed."}
    return Response({"error": error}, status=424, content_type="application/json")


def _base64_text(data: bytes) -> orjson.Fragment:
    """Base64 needs no escaping in JSON, so it goes in as it is: this is most of a batch's work."""
    return orjson.Fragment(b'"' + b2a_base64(data, newline=False) + b'"')


def _answer(part_id: str, response: Response) -> dict[str, Any]:
    headers = dict(response.headers or {})
    answer: dict[str, Any] = {"id": part_id, "status": response.status, "headers": headers}
    if response.raw is not None:
        is_json = response.content_type.startswith("application/json")
        if response.raw:
            answer["body"] = spoilt_part(response) if is_json else _base64_text(response.raw)
    elif response.payload is not None:
        answer["body"] = response.payload
    if "body" in answer:
        headers["Content-Type"] = response.content_type
    return answer
