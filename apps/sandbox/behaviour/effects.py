"""What a scripted fault does to a request: an answer instead, or a spoilt answer."""

from typing import Any

import orjson

from ..cloud import Cloud
from ..graph import errors
from ..graph.errors import GraphError
from ..graph.request import Request, Response
from ..state import directory
from .faults import Fault
from .throttle import retry_after

HTML = (
    b"<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    b"<body><h1>Our services aren't available right now</h1></body></html>"
)


def _error(fault: Fault, request: Request) -> Response:
    o = fault.options
    status = int(o.get("status", 503))
    headers = {str(k): str(v) for k, v in o.get("headers", {}).items()}
    if "retry_after" in o:
        value = retry_after(o.get("style", "integer"), float(o["retry_after"]))
        headers |= {} if value is None else {"Retry-After": value}
    if o.get("body") == "empty":
        return Response(status=status, raw=b"", headers=headers)
    if o.get("body") == "html":
        return Response(status=status, raw=HTML, content_type="text/html", headers=headers)
    if "raw" in o:
        return Response(status=status, raw=str(o["raw"]).encode(), headers=headers)
    codes = {429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable", 504: "UnknownError"}
    code = str(o.get("code", codes.get(status, "BadRequest")))
    raise GraphError(
        status, code, str(o.get("message", "Scripted fault.")), inner_code=o.get("inner"), headers=headers
    )


def instead(fault: Fault, cloud: Cloud, request: Request) -> Response | None:
    """The answer that replaces the real one, or None when the request is to be handled. Raises GraphError."""
    kind, o = fault.kind, fault.options
    if kind == "error":
        return _error(fault, request)
    if kind == "html_error":
        return Response(status=int(o.get("status", 503)), raw=HTML, content_type="text/html")
    if kind == "empty_404":
        return Response(status=404, raw=b"")
    if kind == "reset" and o.get("when", "before") == "before":
        return _transport(Response(status=200), {"reset": "before"})
    if kind == "token_expired":
        cloud.tokens.expire_all()
        raise errors.unauthorised()
    if kind == "consent_revoked":
        directory.revoke_consent(cloud.db, request.claims.client_id if request.claims else o["client_id"])
        cloud.tokens.expire_all()
        raise errors.unauthorised("The token was revoked.")
    _refuse(kind, o)
    return None


def _refuse(kind: str, o: dict[str, Any]) -> None:
    """Raises GraphError for the kinds that are an error of Graph."""
    if kind == "malware":
        text = "The item contains malware and cannot be downloaded."
        raise GraphError(403, o.get("code", "malwareDetected"), text, headers={"X-Virus-Infected": "true"})
    if kind == "corrupt":
        raise GraphError(500, "ErrorCorruptData", "Data is corrupt.,Invalid global object ID")
    if kind == "quota":
        raise errors.over_quota()
    if kind == "gone":
        raise errors.not_found()
    if kind == "resync":
        code = o.get("code", "SyncStateNotFound")
        text = "The sync state generation is not found; generation=149;[highest=157]"
        raise GraphError(int(o.get("status", 410)), code, text, headers=o.get("headers"))


def _transport(response: Response, how: dict[str, Any]) -> Response:
    response.transport = how
    return response


def _spoil_json(response: Response, change: str) -> Response:
    body = response.body()
    if change == "truncate":
        body = body[: max(1, len(body) * 2 // 3)]
    elif change == "control_characters":
        body = body.replace(b'"bodyPreview":"', b'"bodyPreview":"\x0b\x01').replace(
            b'"subject":"', b'"subject":"\x02\x1f'
        )
    response.raw, response.payload = body, None
    return response


def _break_next_link(response: Response) -> Response:
    payload = response.payload
    if isinstance(payload, dict) and "@odata.nextLink" in payload:
        link: str = payload["@odata.nextLink"]
        head, found, tail = link.partition("users/")
        payload["@odata.nextLink"] = f"{head}{found}/{tail.partition('/')[2]}" if found else link
    return response


def afterwards(fault: Fault, response: Response) -> Response:
    """The real answer, spoilt."""
    if fault.kind == "reset":
        return _transport(response, {"reset": "mid"})
    if fault.kind == "slow":
        return _transport(response, {"pause": 0.1, **fault.options})
    if fault.kind in ("truncate", "control_characters"):
        return _spoil_json(response, fault.kind)
    if fault.kind == "broken_next_link":
        return _break_next_link(response)
    return response


def spoilt_part(response: Response) -> object:
    """The body of a batch part whose JSON was spoilt: as text, since the batch itself must stay JSON."""
    raw = response.raw or b""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace")
