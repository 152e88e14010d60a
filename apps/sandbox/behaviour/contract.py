"""Check what clients ask and what the sandbox answers against the official description of Graph.

The description is not part of this project: its validator module is loaded from where the caller says.
"""

import importlib.util
import re
from pathlib import Path
from typing import Any

import orjson

from . import wire

GRAPH = "https://graph.microsoft.com"
KEPT = 500
# The description gives uploads to tasks an answer that Microsoft's own walkthrough does not show, and does not
# know the archive that Microsoft's page of exchangeSettings (beta) names.
ANSWERED_OTHERWISE = re.compile(r"/attachmentSessions/[^/]+/content$|/beta/users/[^/]+/settings/exchange$")


def load_contract(module: Path) -> Any:
    """The `Contract` object of the validator module."""
    spec = importlib.util.spec_from_file_location("graph_contract", module)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.contract()


class ContractRecorder:
    """An ASGI layer before the application: looks at each Graph exchange and keeps the violations."""

    def __init__(self, application: Any, contract: Any) -> None:
        self.application, self.contract = application, contract
        self.reset()

    def reset(self) -> None:
        self.violations: list[str] = []
        self.checked = 0

    async def __call__(self, scope: dict[str, Any], receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/v1.0/", "/beta/")):
            await self.application(scope, receive, send)
            return
        body = await wire.read_body(receive)
        seen = _Seen(send)
        await self.application(scope, _replay(body), seen)
        base = self._base(scope)
        self._check(scope, body, seen, base)

    def _base(self, scope: dict[str, Any]) -> str:
        host = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), "localhost")
        return f"{scope['scheme']}://{host}"

    def _check(self, scope: dict[str, Any], body: bytes, seen: "_Seen", base: str) -> None:
        query = scope["query_string"].decode("latin-1")
        url = GRAPH + scope["raw_path"].decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
        answer = seen.body.replace(base.encode(), GRAPH.encode())
        kind = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"content-type"), "")
        asked = _decoded(body, kind)
        self.check(scope["method"], url, asked, seen.status, _decoded(answer, seen.kind))
        if scope["path"] == "/v1.0/$batch" and isinstance(asked, dict) and seen.status == 200:
            self._check_parts(asked, _decoded(answer, seen.kind))

    def _check_parts(self, asked: dict[str, Any], answered: Any) -> None:
        answers = {one["id"]: one for one in answered["responses"]}
        for part in asked.get("requests") or ():
            answer = answers[part["id"]]
            given = answer.get("body")
            if isinstance(given, str):
                given = given.encode()
            self.check(part["method"], f"{GRAPH}/v1.0{part['url']}", part.get("body"), answer["status"], given)

    def check(self, method: str, url: str, asked: Any, status: int, answered: Any) -> None:
        self.checked += 1
        if status < 300 and ANSWERED_OTHERWISE.search(url):
            return
        found = self.contract.match_ex(method, url)
        if found is None:
            self._add(method, url, ["the address is not in the contract"] if status < 400 else [])
            return
        problems = []
        if status < 400 and asked is not None:
            problems += self.contract.validate_request(found["template"], method, asked)
        empty = status >= 400 and not isinstance(answered, dict)
        problems += self.contract.check(method, url, None if empty else status, answered)
        self._add(method, url, problems)

    def _add(self, method: str, url: str, problems: list[str]) -> None:
        if len(self.violations) < KEPT:
            self.violations += [f"{method} {url.removeprefix(GRAPH)}: {problem}" for problem in problems]


class _Seen:
    """Passes the answer on and keeps a copy; the real sender stays reachable, as resets need it."""

    def __init__(self, send: wire.Send) -> None:
        self._send = send
        self.__self__ = getattr(send, "__self__", None)
        self.status, self.kind, self.body = 0, "", b""

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.kind = next((v.decode() for k, v in message["headers"] if k == b"content-type"), "")
        else:
            self.body += message.get("body", b"")
        await self._send(message)


def _replay(body: bytes) -> wire.Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _decoded(body: bytes, kind: str) -> Any:
    if not body:
        return None
    if "json" in kind:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return None  # a scripted fault has spoilt it
    return body
