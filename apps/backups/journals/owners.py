"""Connection, task and entity as a journal describes them: found by their public ids, or made again."""

from typing import Final

from apps.connectors.enums import ConnectionState, CredentialKind
from apps.connectors.models import Connection
from apps.vault.api import JournalCorrupt

from ..enums import EntityState
from ..erasure.remembered import carry_over
from ..models import BackupTask, Entity
from ..planning import first_start
from . import portrait
from .portrait import Said

RECONNECT: Final = "Taken over from the vault, which keeps no sign-ins. Reconnect it, and backups go on."


def entity_from(info: Said, account_id: int) -> Entity:
    """Return the entity of a journal; what is not there is made, its connection waiting to be reconnected.

    What is there stays as it is. In the account's scope and a transaction. Raises JournalCorrupt.
    """
    values = portrait.columns(Entity, info.get("entity"), portrait.ENTITY)
    _require(values, "public_id", "remote_id", "kind")
    if found := Entity.objects.filter(public_id=values["public_id"]).first():
        return found
    task = _task_from(info, account_id)
    start = first_start(task)
    entity = Entity.objects.create(
        account_id=account_id, task=task, state=EntityState.ACTIVE, next_run_at=start, **values
    )
    carry_over([entity])
    return entity


def _task_from(info: Said, account_id: int) -> BackupTask:
    values = portrait.columns(BackupTask, info.get("task"), portrait.TASK)
    _require(values, "public_id", "service")
    if found := BackupTask.objects.filter(public_id=values["public_id"]).first():
        return found
    connection = _connection_from(info, account_id)
    return BackupTask.objects.create(account_id=account_id, connection=connection, **values)


def _connection_from(info: Said, account_id: int) -> Connection:
    values = portrait.columns(Connection, info.get("connection"), portrait.CONNECTION)
    _require(values, "public_id", "tenant_id")
    if found := Connection.objects.filter(public_id=values["public_id"]).first():
        return found
    # Whoever has a recovery key can write journals, and our own app signs in to any tenant that consented to
    # it: only an administrator's sign-in proves again whose tenant this is.
    if values.get("credential_kind", CredentialKind.ADMIN_CONSENT) == CredentialKind.ADMIN_CONSENT:
        values["credential_kind"] = CredentialKind.CLIENT_SECRET
    return Connection.objects.create(
        account_id=account_id, state=ConnectionState.DISCONNECTED, state_reason=RECONNECT, **values
    )


def _require(values: Said, *names: str) -> None:
    if absent := [name for name in names if not values.get(name)]:
        raise JournalCorrupt(f"A journal does not say {', '.join(absent)}.")
