"""Delta of messages per folder and of folders per mailbox.

A round is fixed when it begins (`upto`): what changes while the client pages comes in the next round. Tokens
carry the round, its place in it, the first query's options and the mailbox's sync generation.
"""

from typing import Any

from ..state import folders as folder_rows
from ..state import messages as rows
from ..state.mailboxes import Mailbox
from . import errors, paging
from .filter_sql import to_sql
from .folders import find, folder_id
from .folders import show as show_folder
from .messages import context_of
from .odata import parse_filter
from .render import ID, IS_READ, SEQ, Context, Plan, Row, message_id, plan, removed_id, show
from .request import Request, Response

KEPT_OPTIONS = ("$select", "$expand", "$filter", "$orderby", "$top", "changetype")
PAGE_DEFAULT = 10
FROM_NOW = "latest"
FILTER_LIMIT = 5000
SELECT = f"SELECT {rows.COLUMNS}, content_seq, arrived_seq FROM messages"
CONTENT_SEQ, ARRIVED_SEQ = 22, 23


def _first_round(request: Request, box: Mailbox, scope: str, *, from_now: bool) -> dict[str, Any]:
    last = request.cloud.db.last_seq()
    options = {name: request.query[name] for name in KEPT_OPTIONS if name in request.query}
    since, top = last if from_now else 0, options.get("$top", "")
    return {
        "scope": scope,
        "generation": box.generation,
        "since": since,
        "upto": last,
        "at": since,
        "options": options,
        "left": int(top) if top.isdigit() else None,
    }


def open_round(request: Request, box: Mailbox, scope: str) -> dict[str, Any]:
    """Where the client stands; raises GraphError for a dead or foreign token."""
    token = request.query.get("$skiptoken") or request.query.get("$deltatoken")
    if box.over_quota:
        raise errors.over_quota()
    if token in (None, "", FROM_NOW):
        return _first_round(request, box, scope, from_now=bool(token))
    assert token is not None
    try:
        state = paging.unseal(token)
    except paging.BadToken as error:
        raise errors.sync_state_invalid() from error
    if state.get("scope") != scope:
        raise errors.sync_state_invalid()
    if state["generation"] != box.generation:
        raise errors.sync_state_lost(state["generation"], box.generation)
    if "$deltatoken" in request.query:
        state |= {"since": state["upto"], "at": state["upto"], "upto": request.cloud.db.last_seq()}
        state["left"] = None
    return state


def answer_round(
    request: Request, state: dict[str, Any], items: list[dict[str, Any]], context: str, *, more: bool
) -> Response:
    payload: dict[str, Any] = {"@odata.context": f"{request.base_url}/v1.0/$metadata#{context}"}
    name, option = ("@odata.nextLink", "$skiptoken") if more else ("@odata.deltaLink", "$deltatoken")
    path = request.path.split("?")[0]
    payload[name] = paging.link(request.base_url, path, {option: paging.seal(state)})
    payload["value"] = items
    return Response(payload)


def message_delta(request: Request, box: Mailbox, name: str) -> Response:
    folder = find(request, box, name)
    state = open_round(request, box, f"{box.id}/{folder.id}")
    size = request.preferred_page_size() or PAGE_DEFAULT
    if state["left"] is not None:
        size = min(size, state["left"])
    context = "Collection(message)"
    if request.cloud.switches.empty_delta_pages and not state.pop("after_empty", False):
        return answer_round(request, state | {"after_empty": True}, [], context, more=True)
    state.pop("after_empty", None)
    options = state["options"]
    page = _by_time if "$orderby" in options or "$filter" in options else _by_change
    found, more = page(request, folder.id, state, size)
    how, shown = plan(options.get("$select"), options.get("$expand")), context_of(request, box)
    wanted = options.get("changetype")
    items = [_item(entry, state, how, shown, request) for entry in found if _is_wanted(entry, state, wanted)]
    if state["left"] is not None:
        state["left"] -= len(found)
        more = more and state["left"] > 0
    repeat_last(request, state, items, more=more)
    return answer_round(request, state, items, context, more=more)


def repeat_last(request: Request, state: dict[str, Any], items: list[dict[str, Any]], *, more: bool) -> None:
    """Behind a switch: the last item of a page comes again first on the next page."""
    again = state.pop("again", None)
    if again:
        items.insert(0, again)
    if request.cloud.switches.repeat_in_delta and more and items:
        state["again"] = items[-1]


# An entry is (change number, row of the message) or (change number, (message key, version, reason)).
Entry = tuple[int, Any]


def _by_change(request: Request, folder: int, state: dict[str, Any], size: int) -> tuple[list[Entry], bool]:
    """The next `size` changes in the order in which they happened; removals only after the first round."""
    db, at, upto = request.cloud.db, state["at"], state["upto"]
    found: list[Entry] = [
        (row[SEQ], row)
        for row in db.execute(
            f"{SELECT} WHERE folder = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (folder, at, upto, size + 1),
        )
    ]
    if state["since"]:
        # A message that left and came back is reported as present; with mutable ids its old id is gone.
        skip = (
            ""
            if not request.immutable_ids
            else (
                " AND NOT EXISTS (SELECT 1 FROM messages m "
                "WHERE m.id = removals.message AND m.folder = removals.folder)"
            )
        )
        sql = (
            "SELECT seq, message, version, reason FROM removals "
            f"WHERE folder = ? AND seq > ? AND seq <= ?{skip} ORDER BY seq LIMIT ?"
        )
        found += [(row[0], row[1:]) for row in db.execute(sql, (folder, at, upto, size + 1))]
        found.sort(key=lambda entry: entry[0])
    more = len(found) > size
    found = found[:size]
    state["at"] = found[-1][0] if more else upto
    return found, more


def _by_time(request: Request, folder: int, state: dict[str, Any], size: int) -> tuple[list[Entry], bool]:
    """A first round ordered or filtered by time: newest first, by key; later rounds are by change."""
    if state["since"]:
        return _by_change(request, folder, state, size)
    where, values = "folder = ? AND seq <= ?", [folder, state["upto"]]
    if "$filter" in state["options"]:
        condition, more_values = to_sql(parse_filter(state["options"]["$filter"]))
        where, values = f"{where} AND {condition}", values + more_values
        state["left"] = FILTER_LIMIT if state["left"] is None else state["left"]
    place = state.get("place")
    if place:
        where, values = f"{where} AND (received, id) < (?, ?)", [*values, *place]
    sql = f"{SELECT} WHERE {where} ORDER BY received DESC, id DESC LIMIT ?"
    found: list[Entry] = [(row[SEQ], row) for row in request.cloud.db.execute(sql, [*values, size + 1])]
    more = len(found) > size
    found = found[:size]
    state["place"] = [found[-1][1][5], found[-1][1][ID]] if more else None
    return found, more


def _is_wanted(entry: Entry, state: dict[str, Any], change_type: str | None) -> bool:
    if not change_type:
        return True
    if len(entry[1]) == 3:
        return change_type == "deleted"
    created = entry[1][ARRIVED_SEQ] > state["since"]
    return change_type == ("created" if created else "updated")


def _item(entry: Entry, state: dict[str, Any], how: Plan, context: Context, request: Request) -> dict[str, Any]:
    row: Row = entry[1]
    if len(row) == 3:
        return {
            "@odata.type": "#microsoft.graph.message",
            "id": removed_id(row[0], row[1], context),
            "@removed": {"reason": row[2]},
        }
    only_read = state["since"] and row[CONTENT_SEQ] <= state["since"]
    if only_read and request.cloud.switches.partial_read_changes:
        kind = {"@odata.type": "#microsoft.graph.message"}
        return {**kind, "id": message_id(row, context), "isRead": bool(row[IS_READ])}
    return {"@odata.type": "#microsoft.graph.message", **show(row, how, context)}


def folder_delta(request: Request, box: Mailbox) -> Response:
    """Every visible folder below the top of the mailbox, on all levels."""
    db = request.cloud.db
    state = open_round(request, box, f"{box.id}/folders")
    size = request.preferred_page_size() or 100
    visible = _visible(folder_rows.every(db, box.id))
    entries: list[tuple[int, dict[str, Any]]] = []
    for folder in folder_rows.changed_between(db, box.id, state["at"], state["upto"]):
        if folder.id in visible:
            item = show_folder(request, box, folder)
            entries.append((folder.seq, {"@odata.type": "#microsoft.graph.mailFolder", **item}))
    if state["since"]:
        for seq, key, _ in folder_rows.removed_between(db, box.id, state["at"], state["upto"]):
            entries.append((seq, {"id": folder_id(box, key), "@removed": {"reason": "deleted"}}))
    entries.sort(key=lambda entry: entry[0])
    more = len(entries) > size
    state["at"] = entries[size - 1][0] if more else state["upto"]
    select = state["options"].get("$select")
    items = [_narrow(item, select) for _, item in entries[:size]]
    return answer_round(request, state, items, f"users('{box.guid}')/mailFolders", more=more)


def _narrow(item: dict[str, Any], select: str | None) -> dict[str, Any]:
    if not select:
        return item
    wanted = {name.strip().lower() for name in select.split(",")} | {"id"}
    return {key: value for key, value in item.items() if "@" in key or key.lower() in wanted}


def _visible(every: list[folder_rows.Folder]) -> set[int]:
    """Keys of the folders below the top of the mailbox that are not hidden, nor is one above them."""
    top = next(folder.id for folder in every if folder.well_known == "msgfolderroot")
    below: dict[int | None, list[folder_rows.Folder]] = {}
    for folder in every:
        below.setdefault(folder.parent, []).append(folder)
    found: set[int] = set()
    queue = [top]
    while queue:
        for folder in below.get(queue.pop(), []):
            if not folder.hidden:
                found.add(folder.id)
                queue.append(folder.id)
    return found
