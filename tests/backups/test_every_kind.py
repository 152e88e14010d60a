"""One run backs up every kind of data of a mailbox, and each item is in the vault as Microsoft tells it."""

import asyncio

import pytest
from django.db.models import Q

from apps.backups.models import NodeVersion, Snapshot
from apps.connectors.base import EntityRef, Fetched
from apps.connectors.enums import SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import READERS, MicrosoftConnector
from apps.connectors.microsoft.credentials import SecretCredential
from apps.recovery.reading import read_item
from apps.vault.api import open_reader

from .test_run_against_sandbox import Backup, backup

__all__ = ["backup"]


@pytest.fixture(autouse=True)
def kinds() -> None:
    """All that the connector reads."""


def stored(backup: Backup, kind: SubService) -> dict[str, tuple[bytes, tuple[bytes, ...]]]:
    number = Snapshot.objects.filter(sub_service=kind).latest("number").number
    rows = NodeVersion.objects.filter(
        Q(gone__isnull=True) | Q(gone__gt=number), is_folder=False, sub_service=kind
    )
    reader = open_reader(backup.entity.account_id)
    return {row.remote_id: read_item(reader, bytes(row.content)) for row in rows}


async def live(backup: Backup, kind: SubService, ids: list[str]) -> dict[str, tuple[bytes, tuple[bytes, ...]]]:
    app = backup.cloud.manual
    identity = AppIdentity(backup.cloud.tenant_id, app.client_id, SecretCredential(app.secret))
    entity = EntityRef(backup.entity.remote_id, backup.entity.kind, backup.entity.address)
    async with MicrosoftConnector(identity) as connector:
        answers = [each async for each in connector.fetch(entity, kind, ids)]
    return {each.remote_id: (each.content, each.attachments) for each in answers if isinstance(each, Fetched)}


def test_every_kind_is_kept_as_it_is_and_followed(backup: Backup) -> None:
    assert backup.run().verdict == "success"
    backup.cloud.advance(2)
    run = backup.run()
    assert run.verdict == "success", run.message
    for kind in READERS:
        kept = stored(backup, kind)
        assert kept == asyncio.run(live(backup, kind, list(kept))), kind
    truth = backup.cloud.export(backup.entity.address)["events"]["items"]
    assert set(stored(backup, SubService.CALENDARS)) == {each["id"] for each in truth}
