"""From a path to its route. Graph spells one address in several ways; all are brought to one first."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .request import Response

_KEYED = re.compile(r"^([A-Za-z]+)\('([^']*)'\)$")
_DELTA = {"delta()", "microsoft.graph.delta", "microsoft.graph.delta()", "graph.delta()"}
_NOT_AN_ID = {"delta", "$count"}
# What a folder's items are called: they are addressed without their folder. Tasks are not: only by their list.
_ITEMS = {"mailfolders": "messages", "contactfolders": "contacts", "calendars": "events"}


@dataclass(frozen=True, slots=True)
class Route:
    """`needs`: any one of these permissions. `kind` says what the handler gets after the request:

    plain: the path's ids as they are; user: the user, then ids; mail: the user's mailbox, then ids.
    """

    method: str
    template: str
    handler: Callable[..., Response]
    needs: frozenset[str] = field(default_factory=frozenset)
    kind: str = "plain"


def segments_of(path: str, me: str | None = None) -> list[str]:
    """The path's steps below the version: `users('x')` and `users/x`, `delta()` and `delta`, `me` and
    nested child folders all become one form; an item is addressed without its folder."""
    steps: list[str] = []
    for step in path.strip("/").split("/"):
        keyed = _KEYED.match(step) if step.endswith("')") else None
        if keyed:
            steps += keyed.groups()
        else:
            steps.append("delta" if step in _DELTA else step)
    if steps[0] == "me" and me:
        steps[:1] = ["users", me]
    if len(steps) > 4 and steps[2].lower() in _ITEMS:
        _shorten_folders(steps, _ITEMS[steps[2].lower()])
    return steps


def _shorten_folders(steps: list[str], items: str) -> None:
    while len(steps) > 5 and steps[4].lower() == "childfolders" and steps[5] not in _NOT_AN_ID:
        del steps[3:5]
    if len(steps) > 5 and steps[4].lower() == items and steps[5] not in _NOT_AN_ID:
        del steps[2:4]


class Router:
    def __init__(self, routes: list[Route]) -> None:
        self._tree: dict[str, Any] = {}
        for route in routes:
            node = self._tree
            for step in route.template.strip("/").split("/"):
                node = node.setdefault("{}" if step.startswith("{") else step.lower(), {})
            node.setdefault("#", {})[route.method] = route

    def find(self, method: str, steps: list[str]) -> tuple[Route | None, list[str], bool]:
        """(route, ids, whether the address exists for some method)."""
        node, ids = self._tree, []
        for step in steps:
            child = node.get(step.lower()) if step != "#" else None
            if child is None:
                child = node.get("{}")
                if child is None or not step:
                    return None, [], False
                ids.append(step)
            node = child
        methods = node.get("#", {})
        return methods.get(method), ids, bool(methods)
