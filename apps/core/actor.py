"""Who is acting. Filled in by accounts' middleware and by the task base, read by everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or the system itself. `permissions` holds values of `core.permissions.Permission`.

    `services` are the services of which a person sees anything (features USR-05): None is every one, also
    future ones. Who builds an actor without saying so builds one who sees none.
    """

    kind: Literal["user", "system", "anonymous"]
    label: str = ""
    user_id: int | None = None
    permissions: frozenset[str] = frozenset()
    address: str = ""
    request_id: str = ""
    services: frozenset[str] | None = frozenset()


ANONYMOUS = Actor(kind="anonymous")
SYSTEM = Actor(kind="system", label="Everkeep", services=None)
_actor: ContextVar[Actor] = ContextVar("actor", default=ANONYMOUS)


def current_actor() -> Actor:
    """Return who acts now; nobody in particular outside a request or task."""
    return _actor.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let everything in the block happen in this actor's name."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)
