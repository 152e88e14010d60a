"""Mailboxes that are nearly full at their provider, by the report that it makes once a day."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import F

from apps.accounts.selectors import stopped_accounts
from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity
from apps.connectors.base import Connector, Room, RoomReport, TellsRoom
from apps.connectors.enums import ConnectionState
from apps.connectors.models import Connection
from apps.connectors.services import open_connector
from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.scope import every_account

from ..enums import AlertKind, RoomOutcome, Severity
from ..models import NearlyFull, RoomLook
from ..registry import Found
from .grouping import told

logger = logging.getLogger("everkeep.alerts")
NEARLY: Final = 90  # per cent of the limit; or from where on the provider warns the owner
EVERY: Final = timedelta(days=1)
AFTER_FAILURE: Final = timedelta(hours=6)
BATCH: Final = 500


def connections_due() -> list[tuple[int, int]]:
    """Return (account, connection) of those whose report is asked for now."""
    with every_account("how full mailboxes are is asked for in all accounts"):
        used = BackupTask.objects.exclude(account__in=stopped_accounts()).values("connection")
        rows = Connection.objects.filter(pk__in=used, state=ConnectionState.CONNECTED)
        waiting = RoomLook.objects.filter(next_at__gt=clock.now()).values("connection")
        return list(rows.exclude(pk__in=waiting).order_by("pk").values_list("account_id", "pk"))


def look(connection_id: int) -> str:
    """Read one connection's report and keep who is nearly full; returns what came of it."""
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        return "gone"
    try:
        report = async_to_sync(_read)(open_connector(connection))
    except EverkeepError as error:
        # What the last report said stays: it is asked for again soon, and backups tell of a lost connection.
        logger.warning("how full mailboxes of %s are was not told: %s", connection.public_id, error.what)
        return _note(connection, RoomOutcome.FAILED)
    outcome = RoomOutcome.READ
    if report is None or report.concealed:
        outcome = RoomOutcome.NOT_ALLOWED if report is None else RoomOutcome.CONCEALED
    with transaction.atomic():
        _keep(connection, [each for each in report.rooms if _is_nearly_full(each)] if report else [])
        return _note(connection, outcome)


async def _read(connector: Connector) -> RoomReport | None:
    async with connector:
        return await connector.room() if isinstance(connector, TellsRoom) else None


def _is_nearly_full(room: Room) -> bool:
    is_warned = 0 < room.warned_at <= room.used
    return room.limit > 0 and (room.used * 100 >= room.limit * NEARLY or is_warned)


def _keep(connection: Connection, rooms: list[Room]) -> None:
    by_name = {room.name: room for room in rooms}
    NearlyFull.objects.filter(entity__task__connection=connection).delete()
    if not by_name:
        return
    entities = Entity.objects.filter(task__connection=connection, state=EntityState.ACTIVE)
    names = entities.values_list("pk", "address", "properties__userPrincipalName")
    rows = []
    for pk, address, sign_in in names.iterator():
        if room := by_name.get(str(sign_in or address).lower()):
            rows.append(
                NearlyFull(account_id=connection.account_id, entity_id=pk, used=room.used, limit=room.limit)
            )
    NearlyFull.objects.bulk_create(rows, batch_size=BATCH)


def _note(connection: Connection, outcome: RoomOutcome) -> str:
    again = AFTER_FAILURE if outcome == RoomOutcome.FAILED else EVERY
    values: dict[str, Any] = {"next_at": clock.now() + again}
    known = RoomLook.objects.filter(connection=connection).exists()
    if outcome != RoomOutcome.FAILED or not known:
        values["outcome"] = outcome
    RoomLook.objects.update_or_create(account_id=connection.account_id, connection=connection, defaults=values)
    return outcome.value


def nearly_full() -> Iterator[Found]:
    """Who has no more room, who soon will not, and once for a connection that nobody can know it."""
    no_room, rows = NearlyFull.objects.filter(used__gte=F("limit")), NearlyFull.objects.all()
    for found, severity in ((no_room, Severity.CRITICAL), (rows.filter(used__lt=F("limit")), Severity.WARNING)):
        yield from told(
            Entity.objects.filter(pk__in=found.values("entity_id"), state=EntityState.ACTIVE),
            prefix=f"room:{severity.value}",
            kind=AlertKind.QUOTA,
            severity=severity,
            facts=_facts,
        )
    for each in RoomLook.objects.filter(outcome=RoomOutcome.CONCEALED).select_related("connection"):
        connection = each.connection
        yield Found(
            kind=AlertKind.QUOTA,
            key=f"room:concealed:{connection.public_id}",
            severity=Severity.NOTICE,
            facts={"label": str(connection), "connection": str(connection.public_id), "concealed": True},
        )


def _facts(entity: Entity) -> dict[str, Any]:
    row = NearlyFull.objects.get(entity=entity)
    return {"used": row.used, "limit": row.limit, "share": row.used * 100 // row.limit}
