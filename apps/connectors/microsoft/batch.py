"""Many small requests in one ($batch), each with its own answer and its own retries.

https://learn.microsoft.com/graph/json-batching: at most 20, answered in any order, throttled one by one;
the outer status is 200, or 424 in older texts. Exchange runs at most four of a batch side by side.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from apps.core.errors import Malformed, Throttled, Unavailable

from .client import IMMUTABLE, JSON_LIMIT, GraphClient, Request
from .faults import Fault, fault_of
from .governor import MAILBOX_SLOTS, Pool

BATCH_SIZE: Final = 20
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class Part(NamedTuple):
    """One GET inside a batch. `key` names its answer; `path` is a path below Graph."""

    key: str
    path: str
    headers: Mapping[str, str] = _NO_HEADERS


class PartAnswer(NamedTuple):
    """The last answer of one part: a body (parsed JSON, or base64 text of bytes), or a fault."""

    key: str
    body: Any = None
    fault: Fault | None = None


_NOT_ANSWERED: Final = Fault(status=0, kind=Unavailable, passing=True)
T = TypeVar("T")


async def run_batch(
    graph: GraphClient,
    parts: Sequence[Part],
    *,
    pool: Pool,
    limit: int = JSON_LIMIT,
    tries: int | None = None,
) -> list[PartAnswer]:
    """Answer every part exactly once, in any order; parts that may work in a moment are sent again.

    `limit`: bytes of one answer, above which TooLarge is raised. Raises what `GraphClient.send` raises.
    """
    allowed = tries or graph.patience.tries
    unanswered = {part.key: part for part in parts}
    done: list[PartAnswer] = []
    attempt, waited = 1, 0.0
    while unanswered:
        throttled: list[Fault] = []
        for answer in await _send(graph, list(unanswered.values()), pool, limit):
            fault = answer.fault
            if fault and fault.status == 401:
                graph.forget_token()
            if fault and fault.kind is Throttled and waited <= graph.patience.throttled_for:
                throttled.append(fault)
            elif not (fault and fault.kind is not Throttled and _may_help(fault) and attempt < allowed):
                done.append(answer)
                del unanswered[answer.key]
        if throttled:
            waited += max(graph.hold_back(fault, pool, attempt) for fault in throttled)
        elif unanswered:
            await graph.pause(graph.patience.wait_before(attempt))
            attempt += 1
    return done


async def _send(graph: GraphClient, parts: Sequence[Part], pool: Pool, limit: int) -> list[PartAnswer]:
    """Send one batch. A part that the answer leaves out is a passing fault of that part."""
    asked = [
        {
            "id": str(number),
            "method": "GET",
            "url": part.path,
            "headers": {"Prefer": IMMUTABLE, **part.headers},
        }
        for number, part in enumerate(parts)
    ]
    body = orjson.dumps({"requests": asked})
    request = Request(
        "POST", "/$batch", _HEADERS, body, limit=limit, slots=MAILBOX_SLOTS, cost=len(parts), outer_424=True
    )
    answers = {each.get("id"): each for each in await _responses(graph, request, pool)}
    return [_answer(part, answers.get(str(number))) for number, part in enumerate(parts)]


async def _responses(graph: GraphClient, request: Request, pool: Pool) -> list[dict[str, Any]]:
    responses = (await graph.send_for_json(request, pool=pool)).get("responses")
    if not isinstance(responses, list):
        raise Malformed("Microsoft's answer to a batch holds no answers.")
    return [each for each in responses if isinstance(each, dict)]


def _answer(part: Part, response: dict[str, Any] | None) -> PartAnswer:
    if response is None:
        return PartAnswer(part.key, fault=_NOT_ANSWERED)
    status, body = response.get("status"), response.get("body")
    if isinstance(status, int) and 200 <= status < 300:
        return PartAnswer(part.key, body=body)
    found = response.get("headers")
    headers = found if isinstance(found, dict) else {}
    return PartAnswer(part.key, fault=fault_of(status if isinstance(status, int) else 0, headers, body))


def _may_help(fault: Fault) -> bool:
    return fault.passing or fault.status == 401


def in_batches(items: Sequence[T], size: int = BATCH_SIZE) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
