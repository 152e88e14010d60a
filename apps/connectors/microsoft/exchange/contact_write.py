"""Writing contacts back: folder, fields, categories and photo."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.documents import PART, props_of, read_document
from apps.connectors.microsoft.client import GraphClient, Request
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.writing import NewItem, WriteItem, Written, passing_key
from apps.core.errors import Gone, RemoteError

from .contact_changes import list_contact_folders, name_of, phone_of
from .contact_compose import PHOTO, compose_contact, contact_faults
from .contact_fetch import MORE_QUERY, PHOTO_LIMIT
from .item_document import list_of, moment_of, text_of
from .item_write import (
    RESTORE_KEY,
    VALUES,
    WITH_KEY,
    create_once,
    first_of_each,
    has_key,
    is_whole,
    quoted,
    remove_item,
    those_there,
    with_key,
)

logger = logging.getLogger(__name__)

_COMPARED: Final = "id,displayName,emailAddresses,mobilePhone,businessPhones,homePhones,companyName"
PHOTO_SENT: Final = 4_000_000
"""A request carries 4 MB."""


class ContactWriter:
    """Writes contacts into one mailbox (`base.ItemWriter`)."""

    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool, self._user_id = graph, graph.pool(user), user
        self._user = f"/users/{segment(user)}"

    async def folders(self) -> list[Upsert]:
        return await list_contact_folders(self._graph, self._user_id, pool=self._pool)

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        """Return the folder of that name; without a parent it is one beside the default folder's children."""

        async def look() -> str | None:
            live = await self.folders()
            above = parent_id or next(each.remote_id for each in live if each.parent_id is None)
            alike = (
                each for each in live if each.parent_id == above and each.name.casefold() == name.casefold()
            )
            return next((each.remote_id for each in alike), None)

        if found := await look():
            return found
        below = f"/{segment(parent_id)}/childFolders" if parent_id else ""
        path = f"{self._user}/contactFolders{below}"
        return await create_once(self._graph, path, {"displayName": name}, pool=self._pool, look=look)

    async def remove_folder(self, remote_id: str) -> bool:
        path = f"{self._user}/contactFolders/{segment(remote_id)}"
        try:
            for below in ("contacts", "childFolders"):
                found = await self._graph.get_json(f"{path}/{below}?$top=1&$select=id", pool=self._pool)
                if found.get("value"):
                    return False
            await self._graph.write_json("DELETE", path, None, pool=self._pool, repeatable=True)
        except Gone:
            logger.info("a folder to be removed has gone already")
        return True

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        found = await self._search(folder_id, {key: has_key(key) for key in restore_keys}, "id")
        return {key: str(entries[0]["id"]) for key, entries in found.items() if entries}

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Map remote ids to live ids: the same contact if still in this folder, else one alike.

        Alike is one of the same name and first e-mail address; without an address, of the same name, phone and
        company and none either.
        """
        paths = {each: f"{self._contact(each)}?$select=id,parentFolderId" for each in dict(items)}
        there = await those_there(self._graph, paths, pool=self._pool)
        live = {key: str(each["id"]) for key, each in there.items() if each.get("parentFolderId") == folder_id}
        wanted = {key: props_of(props) for key, props in items if key not in live}
        queries = {}
        for key, props in wanted.items():
            name, mail = text_of(props.get("name")), text_of(props.get("email"))
            if mail:
                queries[key] = f"emailAddresses/any(a:a/address eq {quoted(mail)})"
            elif name:
                queries[key] = f"displayName eq {quoted(name)}"
        found = await self._search(folder_id, queries, _COMPARED)
        for key, entries in found.items():
            alike = [each for each in entries if is_whole(each) and _same(each, wanted[key])]
            if alike:
                live[key] = str(alike[0]["id"])
        return live

    async def _search(
        self, folder_id: str, queries: Mapping[str, str], select: str
    ) -> dict[str, list[dict[str, Any]]]:
        path = f"{self._user}/contactFolders/{segment(folder_id)}/contacts"
        base = f"{path}?$select={select}&{WITH_KEY}&$top=20&$filter="
        paths = {key: base + segment(query) for key, query in queries.items()}
        return await first_of_each(self._graph, paths, pool=self._pool)

    async def write(self, item: WriteItem) -> NewItem:
        """Create the contact. With a photo it comes under a passing key, and gets its key when it is whole."""
        document = read_document(item.content)
        body, lost = compose_contact(document, tags=item.tags)
        photo, kind = _photo_of(document, item.attachments)
        if len(photo) > PHOTO_SENT:
            lost.append("The photo is larger than Microsoft Graph carries (4 MB).")
            photo = b""
        elif not photo and list_of(document.get("attachments")):
            lost.append("The photo could not be backed up.")
        if not photo:
            return NewItem(await self._create(item.folder_id, body, item.restore_key), tuple(lost))
        passing = passing_key(item.restore_key)
        for left in (await self.find_restored(item.folder_id, [passing])).values():
            await self.remove(left)
        new_id = await self._create(item.folder_id, body, passing)
        try:
            await self._put_photo(new_id, photo, kind)
            final = with_key(item.restore_key)
            await self._graph.write_json(
                "PATCH", self._contact(new_id), final, pool=self._pool, repeatable=True
            )
        except RemoteError:
            await self.remove(new_id)
            raise
        return NewItem(new_id, tuple(lost))

    async def _create(self, folder_id: str, body: dict[str, Any], key: str) -> str:
        path = f"{self._user}/contactFolders/{segment(folder_id)}/contacts"
        keyed = {**body, VALUES: [*body.get(VALUES, ()), {"id": RESTORE_KEY, "value": key}]}

        async def look() -> str | None:
            return (await self.find_restored(folder_id, [key])).get(key)

        return await create_once(self._graph, path, keyed, pool=self._pool, look=look)

    async def _put_photo(self, contact_id: str, photo: bytes, kind: str) -> None:
        """A contact made a moment ago can be answered with 404: it is tried again (quirk 56)."""
        request = Request("PUT", f"{self._contact(contact_id)}/photo/$value", {"Content-Type": kind}, photo)
        for attempt in range(1, self._graph.patience.tries + 1):
            try:
                await self._graph.send(request, pool=self._pool)
                return
            except Gone:
                if attempt == self._graph.patience.tries:
                    raise
            await self._graph.pause(self._graph.patience.wait_before(attempt))

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        paths = {each: f"{self._contact(each)}?{MORE_QUERY}" for each in items}
        there = await those_there(self._graph, paths, pool=self._pool)
        found: dict[str, Written] = {}
        for remote_id, entry in there.items():
            item = items[remote_id]
            found[remote_id] = Written(
                remote_id=remote_id,
                folder_id=str(entry.get("parentFolderId") or ""),
                name=name_of(entry),
                time=moment_of(entry.get("lastModifiedDateTime")),
                state=str(entry.get("changeKey") or ""),
                faults=tuple(await self._faults(remote_id, entry, item)) if item else (),
            )
        return found

    async def _faults(self, remote_id: str, entry: dict[str, Any], item: WriteItem) -> list[str]:
        document = read_document(item.content)
        faults = contact_faults(compose_contact(document, tags=item.tags)[0], entry)
        photo, _ = _photo_of(document, item.attachments)
        if photo and len(photo) <= PHOTO_SENT and not await self._has_photo(remote_id):
            faults.append("Photo")
        return faults

    async def _has_photo(self, remote_id: str) -> bool:
        """Exchange may make a photo smaller, so its bytes are not compared."""
        path = f"{self._contact(remote_id)}/photo/$value"
        try:
            answer = await self._graph.get(path, pool=self._pool, limit=PHOTO_LIMIT)
        except Gone:
            return False
        return bool(answer.body)

    async def remove(self, remote_id: str) -> None:
        await remove_item(self._graph, self._contact(remote_id), pool=self._pool)

    def _contact(self, remote_id: str) -> str:
        return f"{self._user}/contacts/{segment(remote_id)}"


def _photo_of(document: Mapping[str, Any], parts: Sequence[bytes]) -> tuple[bytes, str]:
    for entry in list_of(document.get("attachments")):
        number = entry.get(PART)
        if entry.get("name") == PHOTO and isinstance(number, int) and 0 <= number < len(parts):
            return parts[number], str(entry.get("contentType") or "image/jpeg")
    return b"", ""


def _same(entry: Mapping[str, Any], props: Mapping[str, Any]) -> bool:
    mails = [
        text_of(each.get("address")) for each in list_of(entry.get("emailAddresses")) if isinstance(each, dict)
    ]
    first = next((each for each in mails if each), "")
    if text_of(entry.get("displayName")) != text_of(props.get("name")):
        return False
    if first or props.get("email"):
        return first.casefold() == text_of(props.get("email")).casefold()
    known = (text_of(props.get("phone")), text_of(props.get("company")))
    return (phone_of(entry), text_of(entry.get("companyName"))) == known
