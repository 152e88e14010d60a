"""The live end of a restore, called from code that is not asynchronous."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from apps.backups.models import Entity
from apps.connectors.base import Connector, EntityRef
from apps.connectors.enums import SubService
from apps.connectors.services import open_connector, open_writer
from apps.connectors.writing import ItemWriter, Writer
from apps.core.errors import NotFound
from apps.jobs.api import JobContext

from ..models import Plan

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """An opened entity: to write into, and to read what is about to be replaced. `do` waits for a call."""

    writer: Writer
    connector: Connector
    entity: EntityRef
    runner: asyncio.Runner

    def items(self, sub_service: str) -> ItemWriter:
        """Return the writer of one kind of data. Raises InvalidRequest for what cannot be written."""
        return self.writer.items(self.entity, SubService(sub_service))

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def all_of(self, answers: AsyncIterator[T]) -> list[T]:
        async def collect() -> list[T]:
            return [answer async for answer in answers]

        return self.runner.run(collect())


@contextmanager
def open_target(entity: Entity) -> Iterator[Target]:
    """Open one entity at its own connection. Rows are read and written between the calls, never inside one."""
    ref = EntityRef(entity.remote_id, entity.kind, entity.address)
    with asyncio.Runner() as runner:
        writer, connector = open_writer(entity.task.connection), open_connector(entity.task.connection)
        runner.run(writer.__aenter__())
        runner.run(connector.__aenter__())
        try:
            yield Target(writer, connector, ref, runner)
        finally:
            runner.run(connector.__aexit__(None, None, None))
            runner.run(writer.__aexit__(None, None, None))


def plan_of(context: JobContext) -> Plan:
    """Return the plan that a job follows. Raises NotFound."""
    plan = (
        Plan.objects.select_related("run", "source__task__connection", "target__task__connection")
        .filter(public_id=str(context.params["plan"]))
        .first()
    )
    if plan is None:
        raise NotFound("The plan of this restore is gone.", do="Make a new one.")
    return plan
