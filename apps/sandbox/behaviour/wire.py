"""Reading and answering HTTP, also badly: slowly, cut short, or with the connection reset."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from ..graph.request import Response

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def answer(send: Send, response: Response, extra: list[tuple[bytes, bytes]]) -> int:
    """Send the answer as its fault (if any) wants it; returns the bytes of body sent."""
    body = response.body()
    fault = response.transport or {}
    if fault.get("reset") == "before":
        await abort(send)
        return 0
    headers = [(b"content-length", b"%d" % len(body)), *extra]
    if body:
        headers.append((b"content-type", response.content_type.encode()))
    for name, value in (response.headers or {}).items():
        headers.append((name.lower().encode(), value.encode("latin-1")))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if not fault:
        await send({"type": "http.response.body", "body": body})
        return len(body)
    return await _answer_badly(send, body, fault)


async def _answer_badly(send: Send, body: bytes, fault: dict[str, Any]) -> int:
    if fault.get("reset") == "mid":
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(0.02)  # lets the first half leave before the reset overtakes it
        await abort(send)
        return len(half)
    pieces = max(1, int(fault.get("pieces", 4)))
    step = len(body) // pieces + 1
    for start in range(0, len(body), step):
        await asyncio.sleep(float(fault.get("pause", 0.1)))
        await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    return len(body)


async def abort(send: Send) -> None:
    """Reset the TCP connection. Reaches into uvicorn, as ASGI has no word for it; elsewhere it raises."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("scripted reset, on a server whose connection cannot be reached")
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0.01)  # the server must learn of the loss, else it reports an unfinished answer
