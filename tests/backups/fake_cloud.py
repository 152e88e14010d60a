"""A connector that finds what the test says, and breaks off where the test says."""

from collections.abc import AsyncIterator
from typing import Any, Self

from apps.connectors.base import CallCounter, FoundEntity
from apps.connectors.enums import EntityKind


def found(name: str, **fields: Any) -> FoundEntity:
    short = name.lower().replace(" ", ".")
    defaults: dict[str, Any] = {
        "remote_id": f"id-{short}",
        "kind": EntityKind.USER_MAILBOX,
        "address": f"{short}@pizza-perfecto.example",
        "licensed": True,
    }
    return FoundEntity(name=name, **{**defaults, **fields})


class FakeCloud:
    """`problem` is raised after everything was yielded."""

    def __init__(self, *entities: FoundEntity, problem: Exception | None = None) -> None:
        self.entities, self.problem = entities, problem
        self.counter = CallCounter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def discover(self) -> AsyncIterator[FoundEntity]:
        for entity in self.entities:
            yield entity
        if self.problem:
            raise self.problem
