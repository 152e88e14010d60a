"""What a person sees of an account: the services of their membership; limited mailboxes only with the right.

Rows narrow themselves: a model says by `sight()` which of its rows the actor in force sees, and its manager
asks (`core.models`), so that every page, part, file and count goes through one place. The system sees all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from .actor import acting_as, current_actor
from .permissions import Permission, allowed

_entities: list[Callable[[], "QuerySet[Any, Any]"]] = []


def register_entities(public_ids: Callable[[], "QuerySet[Any, Any]"]) -> None:
    """Tell which entities the actor in force sees, as a query of their public ids. Called in `ready()`."""
    _entities[:] = [public_ids]


def seen_services() -> frozenset[str] | None:
    """The services of which the actor in force sees anything; None is every one."""
    actor = current_actor()
    return actor.services if actor.kind == "user" else None


def sees_limited() -> bool:
    """Tell whether the actor in force sees mailboxes with limited access."""
    return current_actor().kind != "user" or allowed(Permission.LIMITED_ACCESS)


def sees_everything() -> bool:
    """Tell whether nothing is hidden from the actor in force."""
    return seen_services() is None and sees_limited()


def serves(service: str) -> bool:
    """Tell whether the actor in force sees this service."""
    services = seen_services()
    return services is None or service in services


def named_sight(*entity_fields: str) -> Q | None:
    """Narrow rows of lower apps, which name a `service` and entities by plain public ids.

    A row that names an entity that is gone is for those alone from whom nothing is hidden: what it was is not
    known any more.
    """
    if sees_everything():
        return None
    seen = Q()
    services = seen_services()
    if services is not None:
        seen &= Q(service__in=["", *services])
    entities = _entities[0]()
    for number, field in enumerate(entity_fields):
        shown = Q(**{f"{field}__isnull": True})
        for earlier in entity_fields[:number]:  # what was asked already is not asked again for the same row
            shown |= Q(**{field: F(earlier)})
        # Row by row by the index of public ids: the list of an account of 100,000 mailboxes is read by no page.
        seen &= shown | Q(Exists(entities.filter(public_id=OuterRef(field))))
    return seen


def sees_entity(public_id: UUID) -> bool:
    """Tell whether the actor in force sees an entity, by its public id."""
    return sees_everything() or _entities[0]().filter(public_id=public_id).exists()


def sight_key() -> str:
    """What a cache key needs, so that nobody is shown what was counted for somebody else."""
    services = seen_services()
    return f"{'all' if services is None else ','.join(sorted(services))}:{sees_limited()}"


@contextmanager
def whole_sight(reason: str) -> Iterator[None]:
    """Let a person's act reach rows that they do not see, still in their name. Show nothing read here."""
    assert reason, "say why hidden rows must not be left out"
    actor = current_actor()
    with acting_as(
        replace(actor, services=None, permissions=actor.permissions | {Permission.LIMITED_ACCESS.value})
    ):
        yield
