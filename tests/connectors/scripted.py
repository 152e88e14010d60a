"""A Graph that answers what a test scripts, request by request, without a network or any waiting."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp
import httpx
import orjson

from apps.connectors.base import CallCounter
from apps.connectors.microsoft import auth
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.microsoft.endpoints import Endpoints
from apps.connectors.microsoft.governor import LocalGovernor
from apps.connectors.microsoft.patience import Patience
from apps.connectors.microsoft.wire import ANSWER_LIMIT, Reply
from apps.core.errors import TooLarge

LOGIN, GRAPH = "https://login.test", "https://graph.test"
TENANT, CLIENT, SECRET = "11111111-0000-4000-8000-000000000001", "app-1", "s3cret-value-of-the-test"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def json_answer(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=orjson.dumps(body), headers=headers)


def error_answer(
    status: int, code: str, *, inner: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    error = {"code": code, "message": "said by the test", "innerError": inner or {"request-id": "ref-1"}}
    return json_answer({"error": error}, status, **headers)


class ScriptedWire:
    """Plays answers written with httpx' types as the wire would bring them."""

    def __init__(self, play: Callable[[httpx.Request], httpx.Response]) -> None:
        self._play = play

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit: int = ANSWER_LIMIT
    ) -> Reply:
        try:
            answer = self._play(httpx.Request(method, url, headers=dict(headers), content=body))
        except httpx.TransportError as error:
            raise aiohttp.ClientConnectionError(str(error)) from error
        content = await answer.aread()
        if len(content) > limit:
            raise TooLarge("The answer is larger than allowed.")
        return Reply(answer.status_code, answer.headers, content)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class ScriptedGraph:
    """Answers Graph requests from `answers` in order; the last one stays. Tokens are token-1, token-2..."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.login_answers: list[Answer] = []
        self.requests: list[httpx.Request] = []
        self.logins: list[httpx.Request] = []
        self.slept: list[float] = []
        self.now = 1_800_000_000.0
        self.governor = LocalGovernor(now=lambda: self.now)
        auth._kept.clear()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.test":
            self.logins.append(request)
            scripted = self.login_answers.pop(0) if self.login_answers else self._token()
            return self._play(scripted, request)
        self.requests.append(request)
        return self._play(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], request)

    def _token(self) -> httpx.Response:
        return json_answer({"access_token": f"token-{len(self.logins)}", "expires_in": 3599})

    def _play(self, scripted: Answer, request: httpx.Request) -> httpx.Response:
        if isinstance(scripted, Exception):
            raise scripted
        if isinstance(scripted, httpx.Response):
            return httpx.Response(scripted.status_code, headers=scripted.headers, content=scripted.content)
        return scripted(request)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **changes: Any) -> Patience:
        return Patience(**({"now": lambda: self.now, "sleep": self._sleep, "chance": lambda: 0.5} | changes))

    def open(
        self, identity: AppIdentity | None = None, counter: CallCounter | None = None, **patience: Any
    ) -> GraphClient:
        """Open a client whose transport is this script."""
        return GraphClient(
            identity or AppIdentity(TENANT, CLIENT, SecretCredential(SECRET)),
            counter=counter or CallCounter(),
            endpoints=Endpoints(LOGIN, GRAPH),
            patience=self.patience(**patience),
            limits=self.governor,
            wire=lambda: ScriptedWire(self),
        )
