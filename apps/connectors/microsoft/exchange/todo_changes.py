"""To Do lists and list entries of tasks as changes.

A task is addressed by its list only, and its id says nothing of it: a remote id is `list id/task id`. A task
that is moved to another list has a new id anyway.
"""

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
from apps.connectors.microsoft.paging import pages
from apps.connectors.microsoft.time_zones import moment_of as moment_of_zoned
from apps.core.errors import Gone

from .item_changes import ItemRound
from .item_document import list_of, moment_of, plain, text_of
from .item_write import those_there

WELL_KNOWN: Final = {"defaultlist": "tasks"}
"""Microsoft's word for the list that everybody has, and ours."""
_MADE_OF_MAIL: Final = "flaggedemails"
"""Shows the flags of mail, which come back with the mail."""

Entry = Mapping[str, Any]


def todo_changes(graph: GraphClient, user: str, cursor: Cursor | None) -> AsyncIterator[ChangePage]:
    """Yield what changed among the tasks of one mailbox."""
    pool = graph.pool(user)
    return ItemRound(graph, pool, Tasks(graph, user, pool), cursor).pages()


async def list_tasks(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id what is there of these tasks; those that are not are left out."""
    pool = graph.pool(user)
    real = [each for each in remote_ids if "/" in each]
    there = await those_there(graph, task_paths(user, real), pool=pool)
    kind, found = Tasks(graph, user, pool), dict[str, Upsert]()
    for remote_id, entry in there.items():
        list_id, _ = split_id(remote_id)
        (whole,) = await kind.complete([entry], list_id)
        found[remote_id] = kind.upsert(whole, list_id)
    return found


class Tasks:
    """Tasks as a kind of items (`item_changes.ItemKind`). They are listed whole, but for what is on them."""

    select = ""

    def __init__(self, graph: GraphClient, user: str, pool: Pool) -> None:
        self._graph, self._user, self._pool = graph, user, pool

    async def folders(self) -> list[Upsert]:
        return await list_task_lists(self._graph, self._user, pool=self._pool)

    def items_path(self, folder_id: str) -> str:
        return f"/users/{segment(self._user)}/todo/lists/{segment(folder_id)}/tasks"

    async def complete(self, entries: list[dict[str, Any]], folder_id: str) -> list[dict[str, Any]]:
        """Add the checklists, which no list of tasks tells; none to a task that has gone meanwhile."""
        base = self.items_path(folder_id)
        for few in in_batches(entries):
            parts = [Part(each["id"], f"{base}/{segment(each['id'])}/checklistItems?$top=100") for each in few]
            answers = {each.key: each for each in await run_batch(self._graph, parts, pool=self._pool)}
            for entry in few:
                fault, told = answers[entry["id"]].fault, answers[entry["id"]].body
                if fault is not None and not issubclass(fault.kind, Gone):
                    raise fault.error()
                entry["checklistItems"] = list_of(told.get("value")) if isinstance(told, dict) else []
        return entries

    def upsert(self, entry: Entry, folder_id: str) -> Upsert:
        return task_upsert(entry, folder_id)

    def remote_id(self, entry_id: str, folder_id: str) -> str:
        return task_id(folder_id, entry_id)


async def list_task_lists(graph: GraphClient, user: str, *, pool: Pool) -> list[Upsert]:
    """Return the lists of a mailbox, the default one first; those that others share are theirs."""
    path = f"/users/{segment(user)}/todo/lists?$top=100"
    try:
        entries = [each async for page in pages(graph, path, pool=pool) for each in page]
    except Gone as error:
        if is_mailbox_missing(error):
            raise
        raise NotOffered("This mailbox has no tasks of To Do.") from error
    found: list[Upsert] = []
    for entry in entries:
        known = str(entry.get("wellknownListName") or "").lower()
        is_own = known != _MADE_OF_MAIL and entry.get("isOwner") is not False
        if is_own and isinstance(entry.get("id"), str):
            found.append(list_upsert(entry, WELL_KNOWN.get(known, "")))
    return sorted(found, key=lambda each: not each.well_known)


def list_upsert(entry: Entry, well_known: str) -> Upsert:
    """Turn a list into a change."""
    name = text_of(entry.get("displayName"))
    props = canonical({"isShared": True} if entry.get("isShared") is True else {})
    state = b"\0".join((name.encode("utf-8", "replace"), well_known.encode(), props))
    return Upsert(
        remote_id=str(entry["id"]),
        parent_id=None,
        is_folder=True,
        name=name,
        etag=hashlib.blake2b(state, digest_size=12).hexdigest(),
        props=props,
        well_known=well_known,
    )


def task_upsert(entry: Entry, list_id: str) -> Upsert:
    """Turn a list entry with its checklist into a change.

    The etag holds the checklist too: nobody says that ticking a step moves the mark of the task.
    """
    due, done = moment_of_zoned(entry.get("dueDateTime")), moment_of_zoned(entry.get("completedDateTime"))
    props = {
        "status": text_of(entry.get("status")) or "notStarted",
        "due": due.date().isoformat() if due else "",
        "importance": text_of(entry.get("importance")) or "normal",
        "completed": done.date().isoformat() if done else "",
        "checklist": checklist_words(entry.get("checklistItems")),
    }
    steps = canonical(
        {"items": [plain(each) for each in list_of(entry.get("checklistItems")) if isinstance(each, dict)]}
    )
    digest = hashlib.blake2b(steps, digest_size=6).hexdigest()
    return Upsert(
        remote_id=task_id(list_id, str(entry["id"])),
        parent_id=list_id,
        is_folder=False,
        name=text_of(entry.get("title")),
        etag=f"{entry.get('@odata.etag') or entry.get('lastModifiedDateTime') or ''}.{digest}",
        props=canonical(props),
        time=due or moment_of(entry.get("createdDateTime")),
        has_attachments=entry.get("hasAttachments") is True,
    )


def checklist_words(items: Any) -> str:
    """Write how much is done: `2 of 5`; "" when there is no checklist."""
    found = [each for each in list_of(items) if isinstance(each, Mapping)]
    return f"{sum(each.get('isChecked') is True for each in found)} of {len(found)}" if found else ""


def task_id(list_id: str, entry_id: str) -> str:
    return f"{list_id}/{entry_id}"


def split_id(remote_id: str) -> tuple[str, str]:
    """Return (list id, task id). Raises Gone for an id that is none of ours."""
    list_id, found, entry_id = remote_id.partition("/")
    if not found or not list_id or not entry_id:
        raise Gone("No task can have this id.", item=remote_id)
    return list_id, entry_id


def task_path(user: str, remote_id: str) -> str:
    """Path of a task below Graph."""
    list_id, entry_id = split_id(remote_id)
    return f"/users/{segment(user)}/todo/lists/{segment(list_id)}/tasks/{segment(entry_id)}"


def task_paths(user: str, remote_ids: Sequence[str], query: str = "") -> dict[str, str]:
    return {each: task_path(user, each) + query for each in remote_ids}
