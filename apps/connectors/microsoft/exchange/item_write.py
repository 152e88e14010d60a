"""Writing items: what the writers of all kinds do alike."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.faults import RemoteConflict
from apps.connectors.microsoft.governor import Pool
from apps.connectors.writing import UNFINISHED
from apps.core.errors import Gone, InvalidRequest, Malformed, RemoteError, Unavailable

logger = logging.getLogger(__name__)

RESTORE_KEY: Final = "String {5d0a4f7e-6c1b-4d39-9e0f-2c7f1b8a6e43} Name EverkeepRestoreKey"
VALUES: Final = "singleValueExtendedProperties"
WITH_KEY: Final = f"$expand={VALUES}($filter=id%20eq%20'{RESTORE_KEY}')".replace(" ", "%20")

Entry = dict[str, Any]


async def create_once(
    graph: GraphClient,
    path: str,
    body: Any,
    *,
    pool: Pool,
    look: Callable[[], Awaitable[str | None]],
    thing: str = "item",
) -> str:
    """Create and return the id; when an answer is lost, `look` says whether it was done (quirk 61).

    It is asked again after the pause: what Microsoft was still writing shows late, and would be there twice.
    """
    for attempt in range(1, graph.patience.tries + 1):
        failed: RemoteError = Unavailable(f"Microsoft says that it wrote the {thing}, but it is not there.")
        if attempt > 1 and (found := await look()):
            return found
        try:
            answer = await graph.write_json("POST", path, body, pool=pool)
            created = answer.json() if answer.status == 201 else {}
            if isinstance(created.get("id"), str):
                return str(created["id"])
        except (RemoteConflict, Unavailable, Malformed) as error:
            logger.info("creating (%s): %s", thing, error.code)
            failed = error
        if found := await look():
            return found
        if attempt < graph.patience.tries:
            await graph.pause(graph.patience.wait_before(attempt))
    raise failed


async def first_of_each(graph: GraphClient, paths: Mapping[str, str], *, pool: Pool) -> dict[str, list[Entry]]:
    """Ask for several lists at once and return the first page of each; raises what concerns any of them."""
    found: dict[str, list[Entry]] = {}
    for few in in_batches(list(paths)):
        parts = [Part(key, paths[key]) for key in few]
        for answer in await run_batch(graph, parts, pool=pool):
            if answer.fault is not None:
                raise answer.fault.error()
            entries = answer.body.get("value") if isinstance(answer.body, dict) else None
            found[answer.key] = [each for each in entries or () if isinstance(each, dict)]
    return found


async def those_there(graph: GraphClient, paths: Mapping[str, str], *, pool: Pool) -> dict[str, Entry]:
    """Read several items at once; those that are not there are left out.

    So are those whose ids are of another mailbox: Microsoft may call such an id malformed.
    """
    found: dict[str, Entry] = {}
    for few in in_batches(list(paths)):
        parts = [Part(key, paths[key]) for key in few]
        for answer in await run_batch(graph, parts, pool=pool):
            if answer.fault is None and isinstance(answer.body, dict):
                found[answer.key] = answer.body
            elif answer.fault is not None and not isinstance(answer.fault.error(), Gone | InvalidRequest):
                raise answer.fault.error()
    return found


async def remove_item(graph: GraphClient, path: str, *, pool: Pool) -> None:
    """Delete; one that has gone already is no error."""
    try:
        await graph.write_json("DELETE", path, None, pool=pool, repeatable=True)
    except Gone:
        logger.info("an item to be removed has gone already")


def is_whole(entry: Mapping[str, Any]) -> bool:
    """Tell whether a live item, read `WITH_KEY`, is more than what a restore has begun to write."""
    values = [each for each in entry.get(VALUES) or () if isinstance(each, dict)]
    return not any(
        str(each.get("id")).casefold() == RESTORE_KEY.casefold()
        and str(each.get("value")).startswith(UNFINISHED)
        for each in values
    )


def with_key(key: str) -> dict[str, Any]:
    """Return the field that puts a restore key onto an item."""
    return {VALUES: [{"id": RESTORE_KEY, "value": key}]}


def has_key(key: str) -> str:
    """Return the filter that finds the item of a restore key."""
    return f"{VALUES}/any(ep: ep/id eq {quoted(RESTORE_KEY)} and ep/value eq {quoted(key)})"


def quoted(text: str) -> str:
    """Write a text as OData does in a filter."""
    return "'" + text.replace("'", "''") + "'"
