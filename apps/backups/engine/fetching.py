"""Download and seal what a unit misses, a bounded amount at a time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from apps.connectors.base import Fetched, FetchProblem
from apps.connectors.enums import SubService

from .context import RunContext
from .units import Unit

FILES_NAMED = 5
LeftOut = Callable[[Unit, str, int], FetchProblem | None]
"""Says of an item of a unit, now that its size is seen, whether a rule leaves it out."""


class Fetcher:
    """Fetches units of one sub-service. Memory: `fetches` x (`seal_bytes` + the item at hand)."""

    def __init__(self, context: RunContext, sub_service: SubService, left_out: LeftOut) -> None:
        self._context, self._sub_service, self._left_out = context, sub_service, left_out
        self._slots = asyncio.Semaphore(context.limits.fetches)

    async def fetch(self, unit: Unit) -> None:
        """Fill in an answer for every item of the unit that has none."""
        missing = unit.missing()
        if not missing:
            return
        async with self._slots:
            self._context.check_stop()
            await self._download(unit, missing)
        for remote_id in missing:
            unit.answers.setdefault(remote_id, _no_answer(remote_id))

    async def _download(self, unit: Unit, remote_ids: list[str]) -> None:
        limits, held, size = self._context.limits, list[Fetched](), 0
        connector = self._context.connector
        async for answer in connector.fetch(self._context.target, self._sub_service, remote_ids):
            if isinstance(answer, FetchProblem):
                unit.answers[answer.remote_id] = answer
                continue
            weight = len(answer.content) + sum(map(len, answer.attachments))
            if problem := self._left_out(unit, answer.remote_id, weight):
                unit.answers[answer.remote_id] = problem
                continue
            held.append(answer)
            size += weight
            if size >= limits.seal_bytes or len(held) >= limits.seal_items:
                await self._seal(unit, held)
                held, size = [], 0
        await self._seal(unit, held)

    async def _seal(self, unit: Unit, fetched: list[Fetched]) -> None:
        if not fetched:
            return
        stored = await self._context.sealer.seal(fetched)
        for item, contents in zip(fetched, stored, strict=True):
            unit.answers[item.remote_id] = contents
            unit.fetched.add(item.remote_id)
            if item.missing:
                unit.missing_files[item.remote_id] = _not_whole(item.missing)


def _not_whole(missing: Sequence[FetchProblem]) -> FetchProblem:
    """Put the words about its files together; one that may be had tomorrow decides."""
    first = next((each for each in missing if each.skip is None), missing[0])
    named = " ".join(_sentence(each.what) for each in missing[:FILES_NAMED])
    more = f" And {len(missing) - FILES_NAMED} more." if len(missing) > FILES_NAMED else ""
    return replace(first, what=f"Stored without what Microsoft does not hand out: {named}{more}")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _no_answer(remote_id: str) -> FetchProblem:
    return FetchProblem(remote_id, "The provider gave no answer for this item.", code="no_answer")
