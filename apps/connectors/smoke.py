"""A short walk through everything a connector does, against whatever the settings call Microsoft."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from apps.core import clock
from apps.core.errors import Gone, Unavailable

from .base import EntityRef, Fetched, FetchProblem, FolderFailed, Upsert
from .enums import SubService
from .microsoft.auth import AppIdentity
from .microsoft.connector import MicrosoftConnector, MicrosoftWriter
from .writing import WriteItem

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`mailbox`: an address; `items`: how many messages to fetch; `write`: also write one back."""

    mailbox: str
    items: int = 10
    write: bool = False


async def smoke(identity: AppIdentity, wanted: Wanted, say: Say) -> None:
    """1. sign in, 2. discover, 3. read all changes, 4. read again, 5. fetch, 6. write into a new folder.

    Raises what the connector raises, and Gone when the mailbox is not found.
    """
    async with MicrosoftConnector(identity) as connector:
        say(f"1. Signed in. The tenant is {await connector.test()}.")
        entity = await _find(connector, wanted.mailbox, say)
        items, failed, cursor = await _read(connector, entity)
        say(f"3. Read {len(items)} messages; {failed} folders could not be read.")
        calls = connector.counter.calls
        async for page in connector.changes(entity, SubService.MAIL, cursor):
            assert page is not None
        say(f"4. Read again what changed since: {connector.counter.calls - calls} requests.")
        fetched = await _fetch(connector, entity, items[: wanted.items], say)
        counter = connector.counter
        say(f"   {counter.calls} requests in all, {counter.throttled} asked for patience.")
    if wanted.write and fetched:
        await _write(identity, entity, *fetched[0], say)


async def _find(connector: MicrosoftConnector, mailbox: str, say: Say) -> EntityRef:
    found = [each async for each in connector.discover()]
    reachable = sum(each.reachable for each in found)
    say(f"2. Found {len(found)} accounts, {reachable} with a mailbox that can be read.")
    for each in found:
        if each.address.lower() == mailbox.lower():
            return EntityRef(each.remote_id, each.kind, each.address)
    raise Gone(f"There is no mailbox {mailbox} in this tenant.")


async def _read(
    connector: MicrosoftConnector, entity: EntityRef
) -> tuple[list[Upsert], int, dict[str, object] | None]:
    items: dict[str, Upsert] = {}
    failed, cursor = 0, None
    async for page in connector.changes(entity, SubService.MAIL, None):
        for change in page.changes:
            if isinstance(change, Upsert) and not change.is_folder:
                items[change.remote_id] = change
            failed += isinstance(change, FolderFailed)
        cursor = page.cursor or cursor
    return list(items.values()), failed, cursor


async def _fetch(
    connector: MicrosoftConnector, entity: EntityRef, items: list[Upsert], say: Say
) -> list[tuple[Upsert, bytes]]:
    by_id = {item.remote_id: item for item in items}
    fetched = []
    async for answer in connector.fetch(entity, SubService.MAIL, list(by_id)):
        if isinstance(answer, Fetched):
            fetched.append((by_id[answer.remote_id], answer.content))
        elif isinstance(answer, FetchProblem):
            say(f"   Not fetched: {answer.what} ({answer.code})")
    say(f"5. Fetched {len(fetched)} messages, {sum(len(content) for _, content in fetched)} bytes.")
    return fetched


async def _write(identity: AppIdentity, entity: EntityRef, item: Upsert, content: bytes, say: Say) -> None:
    key = f"smoke:{uuid4()}"
    async with MicrosoftWriter(identity) as opened, MicrosoftConnector(identity) as connector:
        writer = opened.items(entity, SubService.MAIL)
        name = f"Everkeep test {clock.now():%Y-%m-%d %H.%M.%S}"
        folder = await writer.ensure_folder(None, name)
        new_id = (await writer.write(WriteItem(key, folder, content, item.props))).remote_id
        if await writer.find_restored(folder, [key]) != {key: new_id}:
            raise Unavailable("The written message was not found again by its key.")
        async for answer in connector.fetch(entity, SubService.MAIL, [new_id]):
            if not isinstance(answer, Fetched):
                raise Unavailable(f"The written message cannot be read back: {answer.what}")
            digest = hashlib.sha256(answer.content).hexdigest()[:12]
            say(f"6. Wrote one message into “{name}” and read it back ({digest}). Delete that folder yourself.")
