"""One request out, one answer in: bytes to Microsoft and back, over connections that are kept open.

Straight on aiohttp: a client with redirects, cookies and an address parser of its own costs several times as
much per request (docs/connectors.md, C2), and Graph needs none of these.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from apps.core.errors import TooLarge

from .answers import read_json

USER_AGENT: Final = "NONISV|Everkeep|Everkeep/1.0"  # quirk 18: https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online
CONNECT_SECONDS: Final = 20.0
READ_SECONDS: Final = 120.0  # without a sign of life
RENEWED_SECONDS: Final = 1.0
SLOWEST_BYTES: Final = 8_000  # a second, of what is sent
ANSWER_LIMIT: Final = 32 * 1024 * 1024
BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)
"""What `exchange` raises when the connection, not the other side, failed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came; names of `headers` in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Read the body as an object. Raises Malformed."""
        return read_json(self.body)


class Wire(Protocol):
    """An async context manager."""

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int = ANSWER_LIMIT
    ) -> Reply:
        """Send one request to an absolute address and read its answer.

        Raises one of BROKEN, also when the answer is cut short, and TooLarge above `limit` bytes of it.
        """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


OpenWire = Callable[[], Wire]


class HttpWire:
    """HTTP/1.1 by aiohttp. No redirects, no cookies, no credentials from the environment."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int = ANSWER_LIMIT
    ) -> Reply:
        session = self._session or self._open()
        asked = session.request(
            method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        )
        sending = len(body or b"") / SLOWEST_BYTES
        async with asyncio.timeout(READ_SECONDS + sending) as patience, asked as answer:
            return Reply(answer.status, answer.headers, await _read(answer, limit, patience))

    def _open(self) -> aiohttp.ClientSession:
        """Open on first use: a session belongs to the loop that is running then."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            read_bufsize=1024 * 1024,
        )
        return self._session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()


async def post_form(wire: Wire, url: str, form: Mapping[str, str]) -> Reply:
    """POST a form as pages do."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return await wire.exchange("POST", url, headers, urlencode(form).encode())


async def _read(answer: aiohttp.ClientResponse, limit: int, patience: asyncio.Timeout) -> bytes:
    """Read the body, giving up above `limit` bytes: compressed ones grow while they are read.

    What comes renews the patience, once a second. aiohttp's own `sock_read` does so at every packet,
    which costs as much as reading it.
    """
    clock, renewed = asyncio.get_running_loop().time, 0.0
    too_large = TooLarge(f"The answer is larger than {limit // 1024**2} MB.")
    if (answer.content_length or 0) > limit:
        raise too_large
    chunks, size = list[bytes](), 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if (now := clock()) - renewed > RENEWED_SECONDS:
            patience.reschedule(now + READ_SECONDS)
            renewed = now
        if size > limit:
            raise too_large
    return b"".join(chunks)
