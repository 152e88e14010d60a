"""Contact folders and list entries of contacts as changes."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import ChangePage, Cursor, NotOffered, Upsert
from apps.connectors.documents import canonical
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import is_mailbox_missing
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages, read_page
from apps.core.errors import Gone, Malformed

from .item_changes import ItemRound
from .item_document import list_of, moment_of, text_of
from .item_write import those_there

DEFAULT: Final = "contacts"
FOLDER_SELECT: Final = "id,displayName,parentFolderId"
CONTACT_SELECT: Final = (
    "id,changeKey,parentFolderId,displayName,fileAs,givenName,surname,companyName,jobTitle,emailAddresses,"
    "mobilePhone,businessPhones,homePhones,businessAddress,homeAddress,otherAddress,lastModifiedDateTime"
)
_PAGE: Final = "$top=100"
_ADDRESS: Final = ("street", "postalCode", "city", "state", "countryOrRegion")

Entry = Mapping[str, Any]


def contact_changes(graph: GraphClient, user: str, cursor: Cursor | None) -> AsyncIterator[ChangePage]:
    """Yield what changed among the contacts of one mailbox."""
    pool = graph.pool(user)
    return ItemRound(graph, pool, Contacts(graph, user, pool), cursor).pages()


async def list_contacts(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id what is there of these contacts; those that are not are left out."""
    base = f"/users/{segment(user)}/contacts"
    paths = {each: f"{base}/{segment(each)}?$select={CONTACT_SELECT}" for each in remote_ids}
    there = await those_there(graph, paths, pool=graph.pool(user))
    return {key: contact_upsert(entry, text_of(entry.get("parentFolderId"))) for key, entry in there.items()}


class Contacts:
    """Contacts as a kind of items (`item_changes.ItemKind`)."""

    select = CONTACT_SELECT

    def __init__(self, graph: GraphClient, user: str, pool: Pool) -> None:
        self._graph, self._user, self._pool = graph, user, pool

    async def folders(self) -> list[Upsert]:
        return await list_contact_folders(self._graph, self._user, pool=self._pool)

    def items_path(self, folder_id: str) -> str:
        return f"/users/{segment(self._user)}/contactFolders/{segment(folder_id)}/contacts"

    async def complete(self, entries: list[dict[str, Any]], folder_id: str) -> list[dict[str, Any]]:
        return entries

    def upsert(self, entry: Entry, folder_id: str) -> Upsert:
        return contact_upsert(entry, folder_id)

    def remote_id(self, entry_id: str, folder_id: str) -> str:
        return entry_id


async def list_contact_folders(graph: GraphClient, user: str, *, pool: Pool) -> list[Upsert]:
    """Return all contact folders, parents before children: the list itself leaves out the default one.

    The description has no list of all levels, and no mark of folders that have others below.
    """
    base = f"/users/{segment(user)}/contactFolders"
    try:
        default = await graph.get_json(f"{base}/{DEFAULT}?$select={FOLDER_SELECT}", pool=pool)
    except Gone as error:
        if is_mailbox_missing(error):
            raise
        raise NotOffered("This mailbox has no folder of contacts.") from error
    root = default.get("id")
    if not isinstance(root, str):
        raise Malformed("Microsoft does not name the folder of contacts.")
    found = {root: folder_upsert(default, None, DEFAULT)}
    async for page in pages(graph, f"{base}?{_PAGE}&$select={FOLDER_SELECT}", pool=pool):
        _add(found, page, root)
    level = list(found)
    while level:
        before = set(found)
        for few in in_batches(level):
            query = f"childFolders?{_PAGE}&$select={FOLDER_SELECT}"
            parts = [Part(each, f"{base}/{segment(each)}/{query}") for each in few]
            for answer in await run_batch(graph, parts, pool=pool):
                if answer.fault is not None:
                    raise answer.fault.error()
                read = read_page(graph, answer.body)
                _add(found, read.entries, answer.key)
                if read.next_path is not None:
                    async for further in pages(graph, read.next_path, pool=pool):
                        _add(found, further, answer.key)
        level = [each for each in found if each not in before]
    return sorted(found.values(), key=lambda each: _depth(each, found))


def _add(found: dict[str, Upsert], entries: list[dict[str, Any]], above: str) -> None:
    """Keep folders below one. Should the first list name all levels, the list below each knows better."""
    for entry in entries:
        known = found.get(str(entry.get("id")))
        if isinstance(entry.get("id"), str) and (
            known is None or (known.parent_id and not found[above].well_known)
        ):
            found[entry["id"]] = folder_upsert(entry, above, "")


def _depth(folder: Upsert, found: Mapping[str, Upsert]) -> int:
    depth, above = 0, folder.parent_id
    while above is not None and depth < len(found):
        depth, above = depth + 1, found[above].parent_id
    return depth


def folder_upsert(entry: Entry, parent_id: str | None, well_known: str) -> Upsert:
    """Turn a contact folder into a change."""
    name = text_of(entry.get("displayName"))
    state = "\0".join((name, parent_id or "", well_known))
    return Upsert(
        remote_id=str(entry["id"]),
        parent_id=parent_id,
        is_folder=True,
        name=name,
        etag=hashlib.blake2b(state.encode("utf-8", "replace"), digest_size=12).hexdigest(),
        props=b"{}",
        well_known=well_known,
    )


def contact_upsert(entry: Entry, folder_id: str) -> Upsert:
    """Turn a list entry into a change. The photo lies inside the contact: it moves the change key too."""
    mails = [
        text_of(each.get("address")) for each in list_of(entry.get("emailAddresses")) if isinstance(each, dict)
    ]
    mails = [each for each in mails if each]
    company = text_of(entry.get("companyName"))
    props = {
        "email": mails[0] if mails else "",
        "phone": phone_of(entry),
        "address": one_line_address(entry),
        "jobTitle": text_of(entry.get("jobTitle")),
        "company": company,
        "name": text_of(entry.get("displayName")),
    }
    return Upsert(
        remote_id=str(entry["id"]),
        parent_id=folder_id,
        is_folder=False,
        name=name_of(entry),
        etag=str(entry.get("changeKey") or entry.get("@odata.etag") or ""),
        props=canonical(props),
        author=props["email"],
        recipients=company,
        time=moment_of(entry.get("lastModifiedDateTime")),
    )


def name_of(entry: Entry) -> str:
    """Return what people know the contact by."""
    whole = " ".join(text_of(entry.get(name)) for name in ("givenName", "surname") if entry.get(name))
    named = (
        text_of(entry.get("displayName")),
        whole,
        text_of(entry.get("fileAs")),
        text_of(entry.get("companyName")),
    )
    return next((each for each in named if each.strip()), "")


def phone_of(entry: Mapping[str, Any]) -> str:
    """Return the first phone number, "" when there is none."""
    phones = [
        entry.get("mobilePhone"),
        *list_of(entry.get("businessPhones")),
        *list_of(entry.get("homePhones")),
    ]
    return next((text_of(each) for each in phones if text_of(each)), "")


def one_line_address(entry: Entry) -> str:
    """Return the first postal address that there is, on one line."""
    for name in ("businessAddress", "homeAddress", "otherAddress"):
        address = entry.get(name)
        if isinstance(address, Mapping):
            parts = [" ".join(text_of(address.get(part)).split()) for part in _ADDRESS]
            if line := ", ".join(part for part in parts if part):
                return line
    return ""
