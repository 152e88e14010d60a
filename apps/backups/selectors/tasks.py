"""Backup tasks as the home page and the wizard show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from apps.connectors.enums import ConnectionState, Service
from apps.connectors.models import Connection
from apps.core.sight import whole_sight

from ..models import BackupTask
from ..service_list import Nouns, nouns_of
from .lists import Counters
from .status import Word
from .tallies import groups_of


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One backup task on the home page (TSK-02). `status` is a word of the status vocabulary."""

    public_id: UUID
    name: str
    service: str
    service_label: str
    nouns: Nouns
    status: Word
    connection_id: UUID
    connection_state: str
    connection_since: datetime
    connection_reason: str
    is_connected: bool
    is_discovering: bool
    discovery_error: str
    total: int
    active: int
    paused: int
    archived: int
    by_word: dict[str, int]
    size: int
    last_snapshot_at: datetime | None
    next_run_at: datetime | None
    is_sample: bool = False

    @property
    def reminder(self) -> str:
        """Said while nothing is active (TSK-04), else empty."""
        if self.active or self.is_discovering or not self.total:
            return ""
        return f"0 of {self.nouns.count(self.total)} have active backups."


def task_cards() -> list[TaskCard]:
    """Every backup task of the account in force, by name: four queries, however many there are."""
    # A few connections serve all tasks: joined, each would be read once for every task.
    tasks = list(BackupTask.objects.prefetch_related("connection").order_by("name", "id"))
    totals: dict[int, Counters] = {}
    for group in groups_of(tasks):
        total = totals.setdefault(group.task_id, Counters())
        total.add(group.word, group.number, group.size, group.last, group.following)
    return [_card(task, totals.get(task.pk, Counters())) for task in tasks]


def _card(task: BackupTask, total: Counters) -> TaskCard:
    connection = task.connection
    return TaskCard(
        public_id=task.public_id,
        name=task.name,
        service=task.service,
        service_label=Service(task.service).label,
        nouns=nouns_of(task.service),
        status=total.word,
        connection_id=connection.public_id,
        connection_state=connection.state,
        connection_since=connection.state_since,
        connection_reason=connection.state_reason,
        is_connected=connection.state == ConnectionState.CONNECTED,
        is_discovering=task.is_discovering,
        discovery_error=task.discovery_error,
        total=total.total,
        active=total.active,
        paused=total.paused,
        archived=total.archived,
        by_word=dict(total.by_word),
        size=total.size,
        last_snapshot_at=total.last_snapshot_at,
        next_run_at=total.next_run_at,
        is_sample=is_sample(connection),
    )


def is_sample(connection: Connection) -> bool:
    """Tell whether a connection leads to the sandbox's invented organisation."""
    return bool(settings.SANDBOX_TENANT_ID) and connection.tenant_id == settings.SANDBOX_TENANT_ID


def usable_connections() -> list[Connection]:
    """Connections of the account that a new task may use, the newest first."""
    return list(Connection.objects.filter(state=ConnectionState.CONNECTED).order_by("-id")[:50])


def suggested_name(service: Service) -> str:
    """The service's name, with a number when a task is already called so."""
    taken = set(BackupTask.objects.filter(name__startswith=service.label).values_list("name", flat=True))
    number, name = 1, service.label
    while name in taken:
        number += 1
        name = f"{service.label} {number}"
    return name


def tasks_by_shelf() -> dict[int, list[str]]:
    """Return the names of the tasks that do not use the default shelf of the vault, by the shelf's number.

    A task that the actor does not see holds its shelf too, without its name.
    """
    found: dict[int, list[str]] = {}
    seen = set(BackupTask.objects.filter(shelf__gt=0).values_list("pk", flat=True))
    with whole_sight("a shelf that a hidden task uses is in use"):
        rows = list(
            BackupTask.objects.filter(shelf__gt=0).order_by("name", "pk").values_list("pk", "shelf", "name")
        )
    for pk, shelf, name in rows:
        found.setdefault(shelf, []).append(name if pk in seen else "A task that you do not see")
    return found
