"""Short ways to rows of backups, for tests that say only what matters to them."""

from datetime import datetime, timedelta
from typing import Any

from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity, MarkClock, Run, Snapshot
from apps.backups.retention.marking import count_marks_on
from apps.connectors.enums import CredentialKind, EntityKind, Service
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.grace import STEP


def let_marks_be_seen(moment: datetime) -> None:
    """Let the hourly task look at retention's marks until then, no less often than it counts."""
    while (row := MarkClock.objects.first()) and row.counted_at < moment:
        with clock.travel(min(row.counted_at + STEP, moment)):
            count_marks_on()


def make_connection(account: Any, **fields: Any) -> Connection:
    defaults = {
        "name": "pizza-perfecto.example",
        "tenant_id": "tenant-1",
        "credential_kind": CredentialKind.ADMIN_CONSENT,
    }
    return Connection.objects.create(account=account, **{**defaults, **fields})


def make_task(connection: Connection, **fields: Any) -> BackupTask:
    defaults = {"service": Service.EXCHANGE, "name": "Mail"}
    return BackupTask.objects.create(
        account_id=connection.account_id, connection=connection, **{**defaults, **fields}
    )


def make_mailbox(task: BackupTask, name: str, **fields: Any) -> Entity:
    short = name.lower().replace(" ", ".")
    defaults = {
        "remote_id": f"id-{short}",
        "kind": EntityKind.USER_MAILBOX,
        "address": f"{short}@pizza-perfecto.example",
        "licensed": True,
    }
    return Entity.objects.create(account_id=task.account_id, task=task, name=name, **{**defaults, **fields})


def make_protected(task: BackupTask, name: str, verdict: str = Verdict.SUCCESS, **fields: Any) -> Entity:
    """An active mailbox whose last run was just now and left a snapshot."""
    now = clock.now()
    defaults = {
        "state": EntityState.ACTIVE,
        "last_verdict": verdict,
        "first_snapshot_at": now,
        "last_snapshot_at": now,
        "items": 10,
        "size": 1000,
    }
    fields.setdefault("overdue_at", fields.get("last_snapshot_at", now) + timedelta(hours=36))
    return make_mailbox(task, name, **{**defaults, **fields})


def make_run(entity: Entity, **fields: Any) -> Run:
    return Run.objects.create(account_id=entity.account_id, entity=entity, **fields)


def make_snapshot(run: Run, number: int = 1, **fields: Any) -> Snapshot:
    defaults = {"sub_service": "mail", "verdict": run.verdict, "number": number}
    return Snapshot.objects.create(
        account_id=run.account_id, entity_id=run.entity_id, run=run, **{**defaults, **fields}
    )
