"""Reading a list page by page, by the links that Graph gives."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.core.errors import Malformed, Unavailable

from .client import IMMUTABLE, GraphClient
from .governor import Pool

MOST_PAGES: Final = 100_000
"""A list longer than this goes in circles."""


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and how it goes on: exactly one of `next_path` and `delta_path` in a list of changes.

    A list that has neither ends here; if it is one of changes, its rest is missing (`read_changes`).
    """

    entries: list[dict[str, Any]]
    next_path: str | None
    delta_path: str | None


def page_headers(size: int) -> dict[str, str]:
    """Ask for pages of that many entries: `$top` would cap a whole list of changes (quirk 19)."""
    return {"Prefer": f"{IMMUTABLE}, odata.maxpagesize={size}"}


def read_page(graph: GraphClient, body: Any) -> Page:
    """Read one page of a list. Raises Malformed when it is none, or goes on at another place than Graph."""
    entries = body.get("value") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise Malformed("Microsoft's list cannot be understood.")
    after, delta = body.get("@odata.nextLink"), body.get("@odata.deltaLink")
    return Page(
        entries=[each for each in entries if isinstance(each, dict)],
        next_path=None if after is None else graph.endpoints.path_of(after),
        delta_path=None if delta is None else graph.endpoints.path_of(delta),
    )


async def get_page(
    graph: GraphClient, path: str, *, pool: Pool, headers: Mapping[str, str] | None = None
) -> Page:
    """Read one page. A page whose link is broken (quirk 11) is asked for once more."""
    try:
        return read_page(graph, await graph.get_json(path, pool=pool, headers=headers))
    except Malformed:
        return read_page(graph, await graph.get_json(path, pool=pool, headers=headers))


def read_changes(graph: GraphClient, body: Any) -> Page:
    """Read one page of a list of changes. Raises Malformed also when it neither goes on nor says its end.

    Taken for the end of a full list, such a page would end all that it does not name.
    """
    page = read_page(graph, body)
    if page.next_path is None and page.delta_path is None:
        raise Malformed("Microsoft's list of changes breaks off.")
    return page


async def get_changes(
    graph: GraphClient, path: str, *, pool: Pool, headers: Mapping[str, str] | None = None
) -> Page:
    """Read one page of a list of changes, once more if need be. Raises Unavailable when it breaks off."""
    try:
        return read_changes(graph, await graph.get_json(path, pool=pool, headers=headers))
    except Malformed:
        page = read_page(graph, await graph.get_json(path, pool=pool, headers=headers))
    if page.next_path is None and page.delta_path is None:
        raise Unavailable("Microsoft's list of changes breaks off.", do="The next run tries again.")
    return page


async def pages(
    graph: GraphClient, path: str, *, pool: Pool, headers: Mapping[str, str] | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the entries of each page until there is no further one. Pages may be empty in the middle."""
    following: str | None = path
    for _ in range(MOST_PAGES):
        if following is None:
            return
        page = await get_page(graph, following, pool=pool, headers=headers)
        yield page.entries
        following = page.next_path
    raise Malformed("Microsoft's list has no end.")
