"""From a mailbox through the connector into an empty one, for kinds that are fields."""

import json
from typing import Any

from apps.connectors.base import EntityRef, Fetched
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftWriter
from apps.connectors.writing import NewItem, WriteItem
from apps.sandbox.testing import SandboxCloud

from .reading import Reader

Items = dict[str, Any]


def entity(mailbox: str) -> EntityRef:
    return EntityRef(mailbox, EntityKind.USER_MAILBOX, mailbox)


async def carry(
    identity: AppIdentity, source: Reader, target: str, *, tags: tuple[str, ...] = ()
) -> tuple[dict[str, NewItem], list[str]]:
    """Write all that the reader knows into `target`; return what came of each, and the faults read back."""
    contents = await source.fetch()
    made: dict[str, NewItem] = {}
    faults: list[str] = []
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(target), source.kind)
        live = {each.well_known: each.remote_id for each in await writer.folders() if each.well_known}
        folders: dict[str, str] = {}
        for folder in source.folders.values():
            above = folders.get(folder.parent_id or "")
            folders[folder.remote_id] = live.get(folder.well_known) or await writer.ensure_folder(
                above, folder.name
            )
        items: dict[str, WriteItem | None] = {}
        for remote_id, known in source.mails.items():
            content = contents[remote_id]
            assert isinstance(content, Fetched), content
            place = folders[known.parent_id or ""]
            item = WriteItem(
                remote_id, place, content.content, known.props, known.name, content.attachments, tags
            )
            made[remote_id] = await writer.write(item)
            items[made[remote_id].remote_id] = item
            assert await writer.find_restored(place, [remote_id]) == {remote_id: made[remote_id].remote_id}
        for each in (await writer.read_back(items)).values():
            faults += each.faults
    return made, faults


def truth(cloud: SandboxCloud, mailbox: str, kind: SubService) -> list[Items]:
    """What really is there, in a form that can be compared between mailboxes: empty is as good as missing."""
    found = [
        {
            "folder": each["folder"],
            "document": {name: value for name, value in each["document"].items() if value},
            "files": each["files"],
        }
        for each in cloud.export(mailbox)[kind.value]["items"]
    ]
    return sorted(found, key=lambda each: json.dumps(each, sort_keys=True))
