"""Fetching messages as MIME: twenty in a batch, large or difficult ones alone."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pybase64

from apps.connectors.base import Fetched, FetchProblem
from apps.connectors.enums import SkipCause
from apps.connectors.microsoft.batch import Part, PartAnswer, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import MALWARE_CODES, is_mailbox_missing
from apps.connectors.microsoft.governor import Pool
from apps.core.errors import (
    Blocked,
    ConsentLost,
    EverkeepError,
    Gone,
    Malformed,
    RemoteError,
    Throttled,
    TooLarge,
    Unavailable,
)

BATCH_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one batch's answer. Above it the batch is halved, so memory stays bounded whatever the mails."""
ITEM_LIMIT: Final = 160 * 1024 * 1024
"""Exchange carries messages of up to 150 MB (https://learn.microsoft.com/office365/servicedescriptions)."""
BATCH_TRIES: Final = 2
IN_FLIGHT: Final = 2
"""Batches of one call at work at once: while one is decoded, the next is under way."""

Answer = Fetched | FetchProblem
_STOPS_ALL: Final = (ConsentLost, Throttled)
_Part = tuple[list[Answer], list[Sequence[str]]]
"""Answers, and what is to be asked for again in smaller pieces: never more in memory than one piece holds."""


async def fetch_mail(
    graph: GraphClient, user: str, remote_ids: Sequence[str], *, pool: Pool | None = None
) -> AsyncIterator[Answer]:
    """Yield exactly one answer per id, in any order.

    Raises what concerns all: ConsentLost, Throttled, and Gone when the mailbox itself is not reached.
    """
    fetcher = _Fetcher(graph, user, pool or graph.pool(user))
    waiting = deque(in_batches(list(dict.fromkeys(remote_ids))))
    running: set[asyncio.Task[_Part]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < IN_FLIGHT:
                running.add(asyncio.create_task(fetcher.batch(waiting.popleft())))
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                answers, again = task.result()
                waiting.extendleft(reversed(again))
                for answer in answers:
                    yield answer
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class _Fetcher:
    def __init__(self, graph: GraphClient, user: str, pool: Pool) -> None:
        self._graph, self._pool = graph, pool
        self._path = f"/users/{segment(user)}/messages"

    async def batch(self, remote_ids: Sequence[str]) -> _Part:
        """Fetch up to twenty. A batch that is too large is halved; parts that fail are asked for alone."""
        if len(remote_ids) == 1:
            return [await self.one(remote_ids[0])], []
        parts = [Part(each, self._value_path(each)) for each in remote_ids]
        try:
            answers = await run_batch(self._graph, parts, pool=self._pool, limit=BATCH_LIMIT, tries=BATCH_TRIES)
        except TooLarge:
            middle = len(remote_ids) // 2
            return [], [remote_ids[:middle], remote_ids[middle:]]
        except (Unavailable, Malformed):
            return [], [[each] for each in remote_ids]
        judged = {answer.key: _judge(answer) for answer in answers}
        return (
            [answer for answer in judged.values() if answer is not None],
            [[remote_id] for remote_id, answer in judged.items() if answer is None],
        )

    async def one(self, remote_id: str) -> Answer:
        """Fetch one by itself. Empty content of a message does not exist: it is a passing fault."""
        for attempt in range(1, self._graph.patience.tries + 1):
            try:
                answer = await self._graph.get(self._value_path(remote_id), pool=self._pool, limit=ITEM_LIMIT)
            except _STOPS_ALL:
                raise
            except EverkeepError as error:
                if is_mailbox_missing(error):
                    raise
                return problem_of(remote_id, error)
            if answer.body:
                return Fetched(remote_id, answer.body)
            await self._graph.pause(self._graph.patience.wait_before(attempt))
        return problem_of(remote_id, Malformed("Microsoft gives the message without content."))

    def _value_path(self, remote_id: str) -> str:
        return f"{self._path}/{segment(remote_id)}/$value"


def _judge(answer: PartAnswer) -> Answer | None:
    """Read one answer of a batch; None when the message must be asked for alone."""
    if answer.fault is not None:
        if answer.fault.no_mailbox:
            raise answer.fault.error()
        if answer.fault.passing or answer.fault.status in (401, 413):
            return None
        return problem_of(answer.key, answer.fault.error(), malware=answer.fault.malware)
    content = decode_part(answer.body)
    return Fetched(answer.key, content) if content else None


def decode_part(body: Any) -> bytes:
    """Decode the base64 of a part, in either alphabet. Empty when it is not whole: then fetched alone.

    The standard library decodes 15 kB in some 100 µs, half of what a mail may cost; pybase64 needs a tenth.
    """
    if not isinstance(body, str):
        return b""
    try:
        return pybase64.b64decode(body, altchars="-_" if "-" in body or "_" in body else None, validate=True)
    except ValueError:  # binascii.Error is one
        return b""


def problem_of(remote_id: str, error: EverkeepError, *, malware: bool = False) -> FetchProblem:
    """Say why one item was not fetched. A cause makes it skipped for good; without one the next run retries."""
    code = error.provider_code if isinstance(error, RemoteError) else ""
    request_id = error.request_id if isinstance(error, RemoteError) else ""
    cause: SkipCause | None = None
    if isinstance(error, Gone):
        cause = SkipCause.GONE
    elif isinstance(error, Blocked):
        malware = malware or code.lower() in MALWARE_CODES
        cause = SkipCause.MALWARE if malware else SkipCause.CORRUPT
    elif isinstance(error, TooLarge):
        cause = SkipCause.TOO_LARGE
    what = cause.label if cause else error.what
    return FetchProblem(remote_id, what=what, do=error.do, skip=cause, code=code, request_id=request_id)


def missing_file(remote_id: str, name: str, error: EverkeepError) -> FetchProblem:
    """Say that an item is stored without one of its files: a gap, also when the file alone is not found."""
    problem = problem_of(remote_id, error)
    gone = problem.skip == SkipCause.GONE
    return replace(
        problem,
        what=f"“{name or 'A file without a name'}”: {error.what if gone else problem.what}",
        skip=None if gone else problem.skip,
    )
