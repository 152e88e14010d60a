"""What the kinds of fields-items share in Graph: finding, lists with $filter and pages, delta, extensions.

A kind brings its `Kind`: words, and how a thing and a folder of it are shown. Its own addresses are in its own
module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..state import ids
from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from . import errors, paging
from .delta import answer_round, open_round, repeat_last
from .extended import tag_of, wanted_tags
from .folders import decoded
from .odata import AnyOf, Compare, Logic, Node, matches, member, parse_filter
from .request import Request, Response, no_content

Document = dict[str, Any]
PAGE_DEFAULT = 10
DELTA_PAGE = 50
EXTENSION = "microsoft.graph.openTypeExtension."


@dataclass(frozen=True, slots=True)
class Kind:
    """`word` is the kind in the store, `folders` and `things` the collections in addresses.

    `show` and `show_folder` return all that Graph tells by default, with the id.
    """

    word: str
    type_name: str
    folders: str
    things: str
    show: Callable[[Request, Mailbox, Thing], Document]
    show_folder: Callable[[Request, Mailbox, Folder], Document]


# -- ids and finding -----------------------------------------------------------------------------------------


def thing_id(box: Mailbox, key: int) -> str:
    return ids.encode(box.guid, ids.THING, key)


def folder_id(box: Mailbox, key: int) -> str:
    return ids.encode(box.guid, ids.THING_FOLDER, key)


def change_key(seq: int) -> str:
    return ids.change_key(seq)


def find(request: Request, box: Mailbox, kind: Kind, text: str) -> Thing:
    """Raises GraphError."""
    thing = rows.by_key(request.cloud.db, box.id, kind.word, decoded(box, text, ids.THING).key)
    if thing is None:
        raise errors.not_found()
    return thing


def find_folder(request: Request, box: Mailbox, kind: Kind, name: str) -> Folder:
    """By id or well-known name. Raises GraphError."""
    db = request.cloud.db
    if len(name) < 40:
        folder = rows.folder_by_well_known(db, box.id, kind.word, name)
        if folder is None:
            raise errors.malformed_id()
        return folder
    folder = rows.folder_by_key(db, box.id, kind.word, decoded(box, name, ids.THING_FOLDER).key)
    if folder is None:
        raise errors.not_found("ErrorItemNotFound", "The specified folder could not be found in the store.")
    return folder


def default_folder(request: Request, box: Mailbox, kind: Kind, well_known: str) -> Folder:
    """The folder that every mailbox has."""
    folder = rows.folder_by_well_known(request.cloud.db, box.id, kind.word, well_known)
    if folder is None:
        raise errors.not_found("ErrorItemNotFound", f"Default folder {well_known} not found.")
    return folder


# -- lists ---------------------------------------------------------------------------------------------------


def narrowed(item: Document, select: str | None) -> Document:
    """Only what $select names, and the id; annotations stay."""
    if not select:
        return item
    wanted = {name.strip().lower() for name in select.split(",")} | {"id"}
    return {key: value for key, value in item.items() if "@" in key or key.lower() in wanted}


def context(request: Request, box: Mailbox, rest: str) -> str:
    return f"{request.base_url}/v1.0/$metadata#users('{box.guid}')/{rest}"


def list_answer(request: Request, box: Mailbox, items: Sequence[Document], where: str) -> Response:
    """One page of shown items after $filter and $orderby. What $expand brought must be in the items already."""
    found = list(items)
    if "$filter" in request.query:
        node = parse_filter(request.query["$filter"])
        found = [item for item in found if matches(node, item)]
    for term in reversed(request.query.get("$orderby", "").split(",")):
        name, _, direction = term.strip().partition(" ")
        if name:
            down = direction.strip().lower() == "desc"
            found.sort(key=lambda item: str(member(item, name) or "").casefold(), reverse=down)
    size = request.number("$top", 0) or request.preferred_page_size() or PAGE_DEFAULT
    start = request.number("$skip", 0, 10**9)
    payload: Document = {"@odata.context": context(request, box, where)}
    if request.flag("$count"):
        payload["@odata.count"] = len(found)
    expanded = {name.partition("(")[0].strip() for name in request.query.get("$expand", "").split(",")}
    select = request.query.get("$select")
    payload["value"] = [
        narrowed(item, select) | {key: item[key] for key in expanded & item.keys()}
        for item in found[start : start + size]
    ]
    if start + size < len(found):
        query = {**request.query, "$skip": start + size}
        payload["@odata.nextLink"] = paging.link(request.base_url, request.path, query)
    return Response(payload)


def list_things(request: Request, box: Mailbox, kind: Kind, folder: Folder | None, where: str) -> Response:
    """The things of a folder, or of all (None); a filter by an extension or a value of one is looked up."""
    db = request.cloud.db
    node = parse_filter(request.query["$filter"]) if "$filter" in request.query else None
    asked = _value_asked(node) if node is not None else None
    if isinstance(node, AnyOf) and node.path.lower() == "extensions":
        found = rows.every(db, box.id, kind.word) if folder is None else rows.listed(db, folder)
        wanted = str(getattr(node.condition, "value", "")).removeprefix(EXTENSION)
        found = [thing for thing in found if wanted in rows.extensions(db, thing)]
        request.query = {name: value for name, value in request.query.items() if name != "$filter"}
    elif asked is not None:
        found = rows.with_value(db, box.id, kind.word, tag_of(asked[0]), asked[1])
        found = [thing for thing in found if folder is None or thing.folder == folder.id]
        request.query = {name: value for name, value in request.query.items() if name != "$filter"}
    else:
        found = rows.every(db, box.id, kind.word) if folder is None else rows.listed(db, folder)
    return list_answer(request, box, [shown(request, box, kind, thing) for thing in found], where)


def _value_asked(node: Node) -> tuple[str, str] | None:
    """(name, value) of `singleValueExtendedProperties/any(p: p/id eq '…' and p/value eq '…')`, else None."""
    if not isinstance(node, AnyOf) or node.path.lower() != "singlevalueextendedproperties":
        return None
    parts = node.condition.parts if isinstance(node.condition, Logic) else (node.condition,)
    given = {part.path.rpartition("/")[2].lower(): part.value for part in parts if isinstance(part, Compare)}
    if set(given) != {"id", "value"} or any(part.op != "eq" for part in parts):
        raise errors.bad_request("This filter is not supported.", "ErrorInvalidUrlQueryFilter")
    return str(given["id"]), str(given["value"])


def count_answer(number: int) -> Response:
    return Response(raw=str(number).encode(), content_type="text/plain")


def shown(request: Request, box: Mailbox, kind: Kind, thing: Thing) -> Document:
    """As Graph tells it, with the extended properties and open extensions that $expand asks for."""
    item = kind.show(request, box, thing)
    expand = request.query.get("$expand", "")
    if tags := wanted_tags(expand):
        kept = rows.values(request.cloud.db, thing)
        found = [{"id": name, "value": kept[tag_of(name)][1]} for name in tags if tag_of(name) in kept]
        if found:
            item["singleValueExtendedProperties"] = found
    if "extensions" in expand.lower():
        item["extensions"] = [
            _extension(name, doc) for name, doc in rows.extensions(request.cloud.db, thing).items()
        ]
    return item


def one_answer(
    request: Request, box: Mailbox, kind: Kind, thing: Thing, where: str, *, status: int = 200
) -> Response:
    item = shown(request, box, kind, thing)
    extra = {
        name.partition("(")[0].strip() for name in request.query.get("$expand", "").split(",")
    } & item.keys()
    item = narrowed(item, request.query.get("$select")) | {key: item[key] for key in extra}
    return Response({"@odata.context": context(request, box, f"{where}/$entity"), **item}, status=status)


def set_values(request: Request, thing: Thing, properties: Sequence[Document] | None) -> None:
    """Store single-value extended properties of a creating or changing request."""
    for each in properties or ():
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            raise errors.bad_request("An extended property needs an id.", "ErrorInvalidExtendedProperty")
        rows.set_value(request.cloud.db, thing, tag_of(each["id"]), each["id"], str(each.get("value") or ""))


# -- delta ---------------------------------------------------------------------------------------------------


def thing_delta(request: Request, box: Mailbox, kind: Kind, folder: Folder) -> Response:
    """What changed in one folder since the token; the same tokens, faults and switches as for messages."""
    state = open_round(request, box, f"{box.id}/{kind.word}/{folder.id}")
    type_name = f"#{kind.type_name}"
    where = f"Collection({kind.type_name})"
    if request.cloud.switches.empty_delta_pages and not state.pop("after_empty", False):
        return answer_round(request, state | {"after_empty": True}, [], where, more=True)
    state.pop("after_empty", None)
    size = request.preferred_page_size() or DELTA_PAGE
    if state["left"] is not None:
        size = min(size, state["left"])
    found = rows.changes(
        request.cloud.db, folder, state["at"], state["upto"], size + 1, removals=bool(state["since"])
    )
    more, found = len(found) > size, found[:size]
    state["at"] = found[-1][0] if more else state["upto"]
    items: list[Document] = []
    for _, each in found:
        if isinstance(each, Thing):
            item = narrowed(kind.show(request, box, each), state["options"].get("$select"))
            items.append({"@odata.type": type_name, **item})
        else:
            gone = {"@odata.type": type_name, "id": thing_id(box, each)}
            items.append(gone | {"@removed": {"reason": "deleted"}})
    if state["left"] is not None:
        state["left"] -= len(found)
        more = more and state["left"] > 0
    repeat_last(request, state, items, more=more)
    return answer_round(request, state, items, where, more=more)


def folder_delta(request: Request, box: Mailbox, kind: Kind) -> Response:
    """Every folder of the kind, on all levels."""
    state = open_round(request, box, f"{box.id}/{kind.word}/folders")
    size = request.preferred_page_size() or 100
    changed, removed = rows.folder_changes(request.cloud.db, box.id, kind.word, state["at"], state["upto"])
    type_name = f"#{kind.type_name}Folder" if kind.folders.endswith("Folders") else ""
    entries: list[tuple[int, Document]] = []
    for folder in changed:
        item = narrowed(kind.show_folder(request, box, folder), state["options"].get("$select"))
        entries.append((folder.seq, {"@odata.type": type_name, **item} if type_name else item))
    if state["since"]:
        for seq, key in removed:
            entries.append((seq, {"id": folder_id(box, key), "@removed": {"reason": "deleted"}}))
    entries.sort(key=lambda entry: entry[0])
    more = len(entries) > size
    state["at"] = entries[size - 1][0] if more else state["upto"]
    items = [item for _, item in entries[:size]]
    return answer_round(request, state, items, f"users('{box.guid}')/{kind.folders}", more=more)


# -- open extensions -----------------------------------------------------------------------------------------


def _extension(name: str, doc: Document) -> Document:
    kind = f"#{EXTENSION.rstrip('.')}"
    return {"@odata.type": kind, "id": f"{EXTENSION}{name}", "extensionName": name, **doc}


def list_extensions(request: Request, box: Mailbox, thing: Thing) -> Response:
    found = rows.extensions(request.cloud.db, thing)
    return list_answer(request, box, [_extension(name, doc) for name, doc in found.items()], "extensions")


def get_extension(request: Request, box: Mailbox, thing: Thing, name: str, *, status: int = 200) -> Response:
    short = name.removeprefix(EXTENSION)
    doc = rows.extensions(request.cloud.db, thing).get(short)
    if doc is None:
        raise errors.not_found()
    where = context(request, box, "extensions/$entity")
    return Response({"@odata.context": where, **_extension(short, doc)}, status=status)


def put_extension(request: Request, box: Mailbox, thing: Thing, name: str = "") -> Response:
    """POST without a name (the body has it), PATCH with one."""
    wanted = request.json()
    given = name.removeprefix(EXTENSION) or str(wanted.get("extensionName") or "")
    if not given:
        raise errors.bad_request("The extension needs an extensionName.")
    known = rows.extensions(request.cloud.db, thing).get(given, {})
    doc = known | {k: v for k, v in wanted.items() if "@" not in k and k not in ("extensionName", "id")}
    rows.set_extension(request.cloud.db, thing, given, doc, request.cloud.clock.stamp())
    return get_extension(request, box, thing, given, status=200 if name else 201)


def delete_extension(request: Request, box: Mailbox, thing: Thing, name: str) -> Response:
    short = name.removeprefix(EXTENSION)
    rows.remove_extension(request.cloud.db, thing, short, request.cloud.clock.stamp())
    return no_content()
