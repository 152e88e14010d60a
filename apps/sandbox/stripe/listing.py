"""Lists: pages of objects, the newest first, with the few filters that Stripe offers for them."""

from collections.abc import Callable
from typing import Any

from . import form
from .errors import invalid
from .intents import Desk

_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, limit: value > limit,
    "gte": lambda value, limit: value >= limit,
    "lt": lambda value, limit: value < limit,
    "lte": lambda value, limit: value <= limit,
}
LISTING = ("limit", "starting_after", "ending_before", "created", "customer", "type", "types", "payment_intent")


def listed(desk: Desk, found: list[dict[str, Any]], given: dict[str, Any], url: str) -> dict[str, Any]:
    """One page of a list, the newest first."""
    form.check_known(given, LISTING)
    created = given.get("created") or {}
    if isinstance(created, str):
        created = {"gte": created, "lte": created}
    for bound, holds in _BOUNDS.items():
        if bound in created:
            limit = form.number(created[bound], f"created[{bound}]")
            found = [each for each in found if holds(each["created"], limit)]
    if "customer" in given:
        found = [each for each in found if each.get("customer") == given["customer"]]
    if "payment_intent" in given:
        found = [each for each in found if each.get("payment_intent") == given["payment_intent"]]
    size = form.number(given.get("limit", 10), "limit")
    if not 1 <= size <= 100:
        raise invalid("Limit must be between 1 and 100.", param="limit")
    ids = [each["id"] for each in found]
    if given.get("starting_after"):
        desk.book.get(
            given["starting_after"], ids[0].partition("_")[0] if ids else "cus", param="starting_after"
        )
        found = found[ids.index(given["starting_after"]) + 1 :]
    elif given.get("ending_before") in ids:
        found = found[: ids.index(given["ending_before"])][-size:]
    return {"object": "list", "url": url, "has_more": len(found) > size, "data": found[:size]}
