"""What a Graph handler gets and gives. Plain slotted objects: thousands of them are made each second."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from .errors import bad_request

if TYPE_CHECKING:
    from ..cloud import Cloud
    from ..identity.tokens import Claims


class Request:
    """One call: a request of its own or a part of a batch. Option names are kept in lower case."""

    __slots__ = (
        "base_url",
        "body",
        "claims",
        "cloud",
        "headers",
        "mailbox_name",
        "method",
        "path",
        "prefer",
        "query",
        "url",
    )

    def __init__(
        self,
        cloud: "Cloud",
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        base_url: str,
    ) -> None:
        self.cloud, self.method, self.path, self.headers, self.body = cloud, method, path, headers, body
        self.base_url = base_url
        self.url = f"{path}?{query}" if query else path
        self.mailbox_name = ""
        self.query: dict[str, str] = {}
        if query:
            self.query = {option_name(k): v for k, v in parse_qsl(query, keep_blank_values=True)}
        self.prefer = headers.get("prefer", "")
        self.claims: Claims = None  # type: ignore[assignment]  # set by the gate before any handler runs

    @property
    def immutable_ids(self) -> bool:
        return "immutableid" in self.prefer.lower() if self.prefer else False

    @property
    def eventual(self) -> bool:
        return self.headers.get("consistencylevel", "").lower() == "eventual"

    def preferred_page_size(self) -> int | None:
        """The `odata.maxpagesize` of the Prefer header."""
        _, found, rest = self.prefer.partition("odata.maxpagesize=")
        digits = rest.split(",")[0].strip().strip('"') if found else ""
        return max(1, int(digits)) if digits.isdigit() else None

    def number(self, option: str, default: int, highest: int = 1000) -> int:
        raw = self.query.get(option)
        if raw is None:
            return default
        if not raw.isdigit() or int(raw) > highest:
            raise bad_request(f"Invalid value '{raw}' for {option}: it must be from 0 to {highest}.")
        return int(raw)

    def flag(self, option: str) -> bool:
        return self.query.get(option, "").lower() == "true"

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; `@odata` members are the client's own notes and are kept."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise bad_request("Unable to read JSON request payload.") from error
        if not isinstance(value, dict):
            raise bad_request("Unable to read JSON request payload: an object is expected.")
        return value


def option_name(name: str) -> str:
    """`$Top`, `top` and `$top` are one option."""
    lower = name.lower()
    return lower if lower.startswith("$") or lower not in SYSTEM_OPTIONS else "$" + lower


SYSTEM_OPTIONS = {
    "select",
    "filter",
    "expand",
    "top",
    "skip",
    "count",
    "orderby",
    "search",
    "skiptoken",
    "deltatoken",
}


class Response:
    """Either `payload` (becomes JSON) or `raw` bytes with a content type, or neither (204)."""

    __slots__ = ("content_type", "headers", "payload", "raw", "status", "transport")

    def __init__(
        self,
        payload: Any = None,
        *,
        status: int = 200,
        raw: bytes | None = None,
        content_type: str = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.payload, self.status, self.raw = payload, status, raw
        self.content_type = content_type
        self.headers = headers
        self.transport: dict[str, Any] | None = None
        """A scripted fault of the connection, applied when the answer is sent."""

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.payload is None else orjson.dumps(self.payload)


Handler = Callable[..., Response]


def no_content() -> Response:
    return Response(status=204)
