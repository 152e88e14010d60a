"""The live end of a restore, called from code that is not asynchronous."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from apps.backups.models import Entity
from apps.connectors.base import EntityRef, ItemWriter, Writer
from apps.connectors.enums import SubService
from apps.connectors.services import open_writer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """An opened writer and the entity it writes into; `do` waits for one of its calls."""

    writer: Writer
    entity: EntityRef
    runner: asyncio.Runner

    def items(self, sub_service: str) -> ItemWriter:
        """Return the writer of one kind of data."""
        return self.writer.items(self.entity, SubService(sub_service))

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)


@contextmanager
def open_target(entity: Entity) -> Iterator[Target]:
    """Open the write side for one entity. Rows are read and written between the calls, never inside one."""
    ref = EntityRef(entity.remote_id, entity.kind, entity.address)
    with asyncio.Runner() as runner:
        writer = open_writer(entity.task.connection)
        runner.run(writer.__aenter__())
        try:
            yield Target(writer, ref, runner)
        finally:
            runner.run(writer.__aexit__(None, None, None))
