"""The acts that the two-person rule holds. Each app registers its own in `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.core.errors import InvalidRequest
from apps.core.permissions import Permission

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """`do(payload)` does it in the name of the actor in force, or raises with nothing done.

    It is called in a transaction, perhaps days after it was proposed and by somebody else than who proposed
    it: it checks everything anew. `words(payload)` says in a few sentences what would happen now.
    `alone`: it waits for others, such as a store, so it is called in no transaction and has its own; it refuses
    to be done twice at once.
    """

    key: str
    do: Callable[[Payload], object]
    words: Callable[[Payload], str]
    permission: Permission
    alone: bool = False


_acts: dict[str, Act] = {}


def register_act(
    key: str,
    *,
    do: Callable[[Payload], object],
    words: Callable[[Payload], str],
    permission: Permission,
    alone: bool = False,
) -> None:
    """Put an act under the rule."""
    _acts[key] = Act(key, do, words, permission, alone)


def act_of(key: str) -> Act:
    """The act of a key. Raises InvalidRequest for one that no app knows any more."""
    if key not in _acts:
        raise InvalidRequest("Everkeep cannot do this any more.", do="Propose it again.")
    return _acts[key]
