"""Folders that a restore makes, each written down before it is made."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from apps.connectors.writing import ItemWriter
from apps.jobs.models import Job

from ..models import MadeFolder


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes folders of one kind of data (`folders.Make`).

    The row is durable before the folder is made: a worker that is killed in between leaves a row without an id,
    and whoever undoes looks the folder up by its name. Two folders of the backup never become one.
    """

    job: Job
    kind: str
    writer: ItemWriter
    do: Callable[[Coroutine[Any, Any, str]], str]

    def __call__(self, source: str, parent_id: str | None, name: str) -> str:
        row = MadeFolder.objects.filter(job=self.job, kind=self.kind, source=source).first()
        if row is None:
            row = MadeFolder.objects.create(
                account_id=self.job.account_id,
                job=self.job,
                kind=self.kind,
                source=source,
                parent_id=parent_id or "",
                name=self._free(parent_id or "", name),
            )
        remote_id = self.do(self.writer.ensure_folder(row.parent_id or None, row.name))
        if remote_id != row.remote_id:
            MadeFolder.objects.filter(pk=row.pk).update(remote_id=remote_id)
        return remote_id

    def _free(self, parent_id: str, name: str) -> str:
        rows = MadeFolder.objects.filter(job=self.job, kind=self.kind, parent_id=parent_id)
        taken = {each.casefold() for each in rows.values_list("name", flat=True)}
        free, number = name, 1
        while free.casefold() in taken:
            number += 1
            free = f"{name} ({number})"
        return free
