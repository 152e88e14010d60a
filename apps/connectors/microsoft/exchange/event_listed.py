"""Single events as the list of a calendar shows them: in which calendar they are, what lists say of them."""

from collections.abc import Sequence
from typing import Final

from apps.connectors.base import Upsert
from apps.connectors.microsoft.batch import BATCH_SIZE, Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.core.errors import Gone

from .event_props import EVENT_SELECT, event_upsert

_WHERE: Final = "calendar of "


async def list_events(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id what is there of these events; those that are not are left out."""
    base, found = f"/users/{segment(user)}/events", {}
    for few in in_batches(list(dict.fromkeys(remote_ids)), BATCH_SIZE // 2):
        parts = [Part(each, f"{base}/{segment(each)}?$select={EVENT_SELECT}") for each in few]
        parts += [Part(f"{_WHERE}{each}", f"{base}/{segment(each)}/calendar?$select=id") for each in few]
        answers = {each.key: each for each in await run_batch(graph, parts, pool=graph.pool(user))}
        for answer in answers.values():
            if answer.fault is not None and not isinstance(answer.fault.error(), Gone):
                raise answer.fault.error()
        for each in few:
            entry, calendar = answers[each].body, answers[f"{_WHERE}{each}"].body
            if isinstance(entry, dict) and isinstance(calendar, dict):
                found[each] = event_upsert(entry, str(calendar.get("id") or ""))
    return found
