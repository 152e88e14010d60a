"""Requests to Graph: signed in, admitted by the governor, tried again, judged. Knows no kind of data."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from apps.connectors.base import CallCounter
from apps.core.errors import EverkeepError, Malformed, Throttled, Unavailable

from .auth import AppIdentity, TokenSource, granted_by
from .endpoints import Endpoints
from .faults import Fault, fault_of
from .governor import Governor, Pool, governor
from .patience import Patience, read_retry_after
from .wire import ANSWER_LIMIT, BROKEN, HttpWire, OpenWire, Reply

logger = logging.getLogger(__name__)

IMMUTABLE: Final = 'IdType="ImmutableId"'
JSON_LIMIT: Final = ANSWER_LIMIT


@dataclass(frozen=True, slots=True)
class Request:
    """One request to Graph. `repeatable`: sending it twice does no harm, so a broken transport is retried.

    `limit`: bytes of the answer above which it is given up. `slots` and `cost`: see the governor.
    `outer_424`: a batch, whose parts are judged one by one although the whole says 424. `redirects`: a good
    answer may name another address instead (`get_elsewhere`).
    `beta`: below the version that Microsoft may change any day.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    repeatable: bool = True
    limit: int = JSON_LIMIT
    slots: int = 1
    cost: int = 1
    outer_424: bool = False
    redirects: bool = False
    beta: bool = False


class GraphClient:
    """Graph as one app in one tenant sees it. Opened per run, in the loop of that run."""

    def __init__(
        self,
        identity: AppIdentity,
        *,
        counter: CallCounter,
        endpoints: Endpoints | None = None,
        patience: Patience | None = None,
        limits: Governor | None = None,
        wire: OpenWire = HttpWire,
    ) -> None:
        self.identity, self.counter = identity, counter
        self.endpoints = endpoints or Endpoints.from_settings()
        self.patience = patience or Patience.from_settings()
        self.governor = limits or governor()
        self._wire = wire()
        self._token = ""
        self._tokens = TokenSource(identity, endpoints=self.endpoints, wire=self._wire, patience=self.patience)

    async def aclose(self) -> None:
        await self._wire.__aexit__(None, None, None)

    async def granted(self) -> frozenset[str] | None:
        """Return the permissions that our token carries; None when it does not say. Raises ConsentLost."""
        return granted_by(await self._tokens.token())

    def pool(self, mailbox: str = "") -> Pool:
        return Pool(f"{self.identity.tenant_id}/{self.identity.client_id}", mailbox)

    async def get(
        self,
        path: str,
        *,
        pool: Pool,
        headers: Mapping[str, str] | None = None,
        limit: int = JSON_LIMIT,
        tries: int | None = None,
    ) -> Reply:
        """GET, tried again while that may help. Raises the core error kinds."""
        return await self.send(Request("GET", path, headers or {}, limit=limit), pool=pool, tries=tries)

    async def get_json(
        self, path: str, *, pool: Pool, headers: Mapping[str, str] | None = None, tries: int | None = None
    ) -> dict[str, Any]:
        """GET an object."""
        return await self.send_for_json(Request("GET", path, headers or {}), pool=pool, tries=tries)

    async def send_for_json(self, request: Request, *, pool: Pool, tries: int | None = None) -> dict[str, Any]:
        """Send a repeatable request. An answer that cannot be read is asked for again (quirk 9)."""
        allowed = tries or self.patience.tries
        for attempt in range(1, allowed):
            answer = await self.send(request, pool=pool, tries=tries)
            try:
                return answer.json()
            except Malformed:
                await self.pause(self.patience.wait_before(attempt))
        return (await self.send(request, pool=pool, tries=tries)).json()

    async def write_json(
        self, method: str, path: str, body: Any, *, pool: Pool, repeatable: bool = False
    ) -> Reply:
        """Send a JSON body. Not repeatable unless said so: an answer that got lost may hide a success."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        content = None if body is None else orjson.dumps(body)
        request = Request(method, path, headers, content, repeatable=repeatable)
        return await self.send(request, pool=pool)

    async def put_elsewhere(self, url: str, content: bytes, headers: Mapping[str, str]) -> int:
        """PUT to an address that Graph handed out for an upload: another host, so no token goes with it.

        Returns the status. Raises Unavailable after a fault: the caller starts the upload again.
        """
        if not url.startswith(("https://", self.endpoints.graph + "/")):
            raise Malformed("Microsoft gave an address for an upload that is not safe.")
        self.counter.calls += 1
        try:
            answer = await self._wire.exchange("PUT", url, headers, content)
        except BROKEN as error:
            raise Unavailable("The connection to Microsoft broke during an upload.") from error
        if answer.status >= 300:
            raise fault_of(answer.status, answer.headers, answer.body).error()
        return answer.status

    async def get_elsewhere(self, url: str) -> bytes:
        """GET what lies at an address that Graph handed out: another host, so no token goes with it."""
        if not url.startswith(("https://", self.endpoints.graph + "/")):
            raise Malformed("Microsoft gave an address for a download that is not safe.")
        self.counter.calls += 1
        try:
            answer = await self._wire.exchange("GET", url, {}, None)
        except BROKEN as error:
            raise Unavailable("The connection to Microsoft broke during a download.") from error
        if answer.status >= 300:
            raise fault_of(answer.status, answer.headers, answer.body).error()
        return answer.body

    async def send(self, request: Request, *, pool: Pool, tries: int | None = None) -> Reply:
        """Send until there is a good answer, a real refusal, or patience is used up."""
        allowed = tries or self.patience.tries
        attempt, waited = 1, 0.0
        while True:
            outcome = await self._try_once(request, pool)
            if isinstance(outcome, Reply):
                return outcome
            if isinstance(outcome, Fault) and outcome.kind is Throttled:
                wait = self.hold_back(outcome, pool, attempt)
                waited += wait
                if waited > self.patience.throttled_for:
                    raise outcome.error()
                attempt = min(attempt + 1, 8)  # quietens the back-off only: waiting as asked uses up no try
                continue
            if attempt >= allowed or not _may_help(outcome, request):
                raise _final(outcome)
            await self.pause(self.patience.wait_before(attempt))
            attempt += 1

    def hold_back(self, fault: Fault, pool: Pool, attempt: int) -> float:
        """Raise the tenant's fence for as long as asked, or by growing steps when nothing was said."""
        asked = read_retry_after(fault.retry_after, now=self.patience.now())
        wait = asked if asked is not None else self.patience.wait_before(attempt)
        self.counter.throttled += 1
        self.governor.fence(pool, wait)
        logger.info("microsoft asks for patience: %.1f s (%s)", wait, fault.code)
        return wait

    def forget_token(self) -> None:
        """Sign in anew before the next request."""
        self._tokens.forget(self._token)

    def sign_in_anew(self) -> None:
        """Use no token of earlier: a test of a connection must prove that signing in works now."""
        self._tokens.forget_any()

    async def pause(self, seconds: float) -> None:
        self.counter.waited_seconds += seconds
        await self.patience.sleep(seconds)

    async def _try_once(self, request: Request, pool: Pool) -> Reply | Fault | Exception:
        token = self._token = await self._tokens.token()
        admission = self.governor.admit(pool, slots=request.slots, cost=request.cost, sleep=self.patience.sleep)
        async with admission as waited:
            self.counter.waited_seconds += waited
            self.counter.calls += 1
            try:
                reply = await self._exchange(request, token)
            except BROKEN as error:
                logger.info("microsoft graph: connection broke (%s)", type(error).__name__)
                return error
        await _let_the_next_go()
        if reply.status < 300 or (reply.status == 424 and request.outer_424):
            return reply
        if reply.status == 302 and request.redirects:
            return reply
        fault = fault_of(reply.status, reply.headers, reply.body)
        if reply.status == 401:
            self._tokens.forget(token)
        return fault

    async def _exchange(self, request: Request, token: str) -> Reply:
        headers = {
            "Authorization": f"Bearer {token}",
            "Prefer": IMMUTABLE,
            "client-request-id": str(uuid.uuid4()),
            **request.headers,
        }
        url = self.endpoints.url(request.path, beta=request.beta)
        reply = await self._wire.exchange(request.method, url, headers, request.body, request.limit)
        self.counter.bytes_received += len(reply.body)
        return reply


async def _let_the_next_go() -> None:
    """Let whoever waited for our place send first: Microsoft then works while we read what it said.

    One turn of the loop wakes the waiting task, which writes its request at once when a connection is open.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _may_help(outcome: Fault | Exception, request: Request) -> bool:
    if isinstance(outcome, Exception):
        return request.repeatable
    if outcome.status == 401:  # quirk 8: persists over several tries although the token is new
        return True
    if outcome.status == 400 and outcome.code.lower() == "invalidrequest":  # quirk 5
        return request.method == "GET"
    return outcome.passing and request.repeatable


def _final(outcome: Fault | Exception) -> EverkeepError:
    if isinstance(outcome, Fault):
        return outcome.error()
    return Unavailable("The connection to Microsoft broke after several tries.", do="The next run goes on.")
