"""Recoverable Items: read when the backup task says so, at the foot of the tree, and left out again."""

import asyncio

from apps.connectors.base import ChangePage, Cursor, EntityRef, FolderCount, Removal, Upsert
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftConnector
from apps.connectors.microsoft.exchange.mail_recoverable import DELETIONS
from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph


async def pages(
    identity: AppIdentity, mailbox: str, cursor: Cursor | None, *, wanted: bool
) -> tuple[list[object], Cursor]:
    entity = EntityRef(mailbox, EntityKind.USER_MAILBOX, mailbox, recoverable=wanted)
    changes: list[object] = []
    page = ChangePage([])
    async with MicrosoftConnector(identity) as connector:
        async for page in connector.changes(entity, SubService.MAIL, cursor):
            changes += page.changes
    assert page.cursor is not None
    return changes, page.cursor


def test_deleted_mail_is_read_only_while_the_task_wants_it(cloud: SandboxCloud, identity: AppIdentity) -> None:
    mailbox = cloud.admin
    graph = Graph(cloud, mailbox=mailbox)
    letter = graph.post("mailFolders/inbox/messages", {"subject": "Thrown away"})
    moved = graph.post(f"messages/{letter['id']}/move", {"destinationId": DELETIONS})

    def read(cursor: Cursor | None, *, wanted: bool) -> tuple[list[object], Cursor]:
        return asyncio.run(pages(identity, mailbox, cursor, wanted=wanted))

    without, cursor = read(None, wanted=False)
    assert moved["id"] not in {getattr(each, "remote_id", "") for each in without}
    turned_on, cursor = read(cursor, wanted=True)
    found = {each.remote_id: each for each in turned_on if isinstance(each, Upsert)}
    (folder,) = [each for each in found.values() if each.well_known == DELETIONS]
    assert (folder.name, folder.parent_id) == ("Recoverable Items", None)
    assert found[moved["id"]].parent_id == folder.remote_id
    assert FolderCount(folder.remote_id, 1) in turned_on
    again, cursor = read(cursor, wanted=True)
    assert [each for each in again if isinstance(each, Upsert) and not each.is_folder] == []
    graph.post("mailFolders", {"displayName": "A new folder, so that the names are learned anew"})
    _, cursor = read(cursor, wanted=True)
    turned_off, cursor = read(cursor, wanted=False)
    assert Removal(folder.remote_id) in turned_off
    quiet, _ = read(cursor, wanted=False)
    assert Removal(folder.remote_id) not in quiet
