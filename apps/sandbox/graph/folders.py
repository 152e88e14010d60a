"""Mail folders: lists, single folders, creation, renaming, moving and deletion."""

from typing import Any

from ..state import folders as rows
from ..state import ids, messages
from ..state.folders import Folder
from ..state.mailboxes import WELL_KNOWN, Mailbox
from . import errors, paging, shape
from .odata import matches, parse_filter
from .request import Request, Response, no_content

NAMES = (
    "id", "displayName", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount", "isHidden",
)  # fmt: skip


def folder_id(box: Mailbox, key: int) -> str:
    return ids.encode(box.guid, ids.FOLDER, key)


def find(request: Request, box: Mailbox, name: str) -> Folder:
    """A folder by id or well-known name. Raises GraphError."""
    db = request.cloud.db
    if len(name) < 40:
        folder = rows.by_well_known(db, box.id, name)
        if folder is None and name.lower() in WELL_KNOWN | {"clutter": 0, "scheduled": 0, "searchfolders": 0}:
            raise errors.not_found("ErrorItemNotFound", f"Default folder {name} not found.")
        if folder is None:
            raise errors.malformed_id()
        return folder
    folder = rows.by_key(db, box.id, decoded(box, name, ids.FOLDER).key)
    if folder is None:
        raise errors.not_found("ErrorItemNotFound", "The specified folder could not be found in the store.")
    return folder


def decoded(box: Mailbox, text: str, *kinds: int) -> ids.ItemId:
    """Raises GraphError unless the text is an id of this mailbox and of one of these kinds."""
    try:
        item = ids.decode(box.guid, text)
    except ids.ForeignId as error:
        raise errors.foreign_id() from error
    except ids.MalformedId as error:
        raise errors.malformed_id() from error
    if item.kind not in kinds:
        raise errors.malformed_id()
    return item


def show(request: Request, box: Mailbox, folder: Folder) -> dict[str, Any]:
    parent = folder.id if folder.parent is None else folder.parent
    return {
        "id": folder_id(box, folder.id),
        "displayName": folder.name,
        "parentFolderId": folder_id(box, parent),
        "childFolderCount": rows.child_count(request.cloud.db, box.id, folder.id),
        "unreadItemCount": folder.unread,
        "totalItemCount": folder.total,
        "isHidden": bool(folder.hidden),
    }


def _selected(request: Request, item: dict[str, Any]) -> dict[str, Any]:
    raw = request.query.get("$select")
    if not raw:
        return item
    wanted = {name.strip().lower() for name in raw.split(",")} | {"id"}
    return {key: value for key, value in item.items() if key.lower() in wanted or "@" in key}


def _context(request: Request, box: Mailbox, rest: str) -> str:
    return f"{request.base_url}/v1.0/$metadata#users('{box.guid}')/{rest}"


def _page(request: Request, box: Mailbox, found: list[Folder], context: str) -> Response:
    items = [show(request, box, folder) for folder in found]
    if "$filter" in request.query:
        node = parse_filter(request.query["$filter"])
        items = [item for item in items if matches(node, item)]
    size = request.preferred_page_size() or request.number("$top", 10) or 10
    start = request.number("$skip", 0, 10**9)
    payload: dict[str, Any] = {"@odata.context": _context(request, box, context)}
    if request.flag("$count"):
        payload["@odata.count"] = len(items)
    shown = items[start : start + size]
    if "childfolders" in request.query.get("$expand", "").lower():
        for item in shown:
            key = decoded(box, item["id"], ids.FOLDER).key
            below = rows.children(request.cloud.db, box.id, key, hidden=request.flag("includehiddenfolders"))
            item["childFolders"] = [_selected(request, show(request, box, folder)) for folder in below]
    payload["value"] = [_selected(request, item) | _expanded(item) for item in shown]
    if start + size < len(items):
        query = {**request.query, "$skip": start + size}
        payload["@odata.nextLink"] = paging.link(request.base_url, request.path, query)
    return Response(payload)


def _expanded(item: dict[str, Any]) -> dict[str, Any]:
    return {"childFolders": item["childFolders"]} if "childFolders" in item else {}


def list_folders(request: Request, box: Mailbox) -> Response:
    """The first level only, as the real service."""
    top = rows.well_known(request.cloud.db, box.id, "msgfolderroot")
    found = rows.children(request.cloud.db, box.id, top.id, hidden=request.flag("includehiddenfolders"))
    return _page(request, box, found, "mailFolders")


def list_children(request: Request, box: Mailbox, name: str) -> Response:
    folder = find(request, box, name)
    hidden = request.flag("includehiddenfolders") or bool(folder.hidden)
    found = rows.children(request.cloud.db, box.id, folder.id, hidden=hidden)
    return _page(request, box, found, f"mailFolders('{folder_id(box, folder.id)}')/childFolders")


def get_folder(request: Request, box: Mailbox, name: str) -> Response:
    return _one(request, box, find(request, box, name))


def _one(request: Request, box: Mailbox, folder: Folder, status: int = 200) -> Response:
    item = _selected(request, show(request, box, folder))
    return Response({"@odata.context": _context(request, box, "mailFolders/$entity"), **item}, status=status)


def _create(request: Request, box: Mailbox, parent: Folder) -> Response:
    wanted = shape.folder(request.json(), "mailFolder")
    name = str(wanted.get("displayName") or "").strip()
    if not name:
        raise errors.bad_request("The folder needs a displayName.", "ErrorInvalidRequest")
    try:
        folder = rows.create(request.cloud.db, box.id, parent.id, name, hidden=bool(wanted.get("isHidden")))
    except rows.FolderExists as error:
        raise errors.folder_exists() from error
    return _one(request, box, folder, 201)


def create_folder(request: Request, box: Mailbox) -> Response:
    return _create(request, box, rows.well_known(request.cloud.db, box.id, "msgfolderroot"))


def create_child(request: Request, box: Mailbox, name: str) -> Response:
    return _create(request, box, find(request, box, name))


def update_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find(request, box, name)
    wanted = shape.folder(request.json(), "mailFolder").get("displayName")
    if wanted:
        try:
            rows.rename(request.cloud.db, folder, str(wanted))
        except rows.FolderExists as error:
            raise errors.folder_exists() from error
        except rows.FolderProtected as error:
            raise errors.protected_folder("rename") from error
    return _one(request, box, find(request, box, folder_id(box, folder.id)))


def destination(request: Request, box: Mailbox) -> Folder:
    """The folder that `destinationId` (any letter case) names."""
    body = {key.lower(): value for key, value in request.json().items()}
    if not isinstance(body.get("destinationid"), str):
        raise errors.bad_request("The destinationId is missing.", "ErrorInvalidParameter")
    return find(request, box, body["destinationid"])


def move_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder, target = find(request, box, name), destination(request, box)
    try:
        rows.move(request.cloud.db, folder, target.id)
    except rows.FolderExists as error:
        raise errors.folder_exists() from error
    except rows.FolderProtected as error:
        raise errors.protected_folder("move") from error
    except rows.FolderLoop as error:
        raise errors.bad_request("A folder cannot be moved below itself.", "ErrorMoveCopyFailed") from error
    return _one(request, box, find(request, box, folder_id(box, folder.id)), 201)


def copy_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder, target = find(request, box, name), destination(request, box)
    cloud = request.cloud
    try:
        with cloud.db.transaction():
            made: dict[int | None, int] = {}
            for inner in rows.descendants(cloud.db, folder):
                parent = made.get(inner.parent, target.id)
                made[inner.id] = rows.create(cloud.db, box.id, parent, inner.name, hidden=bool(inner.hidden)).id
                for (key,) in cloud.db.all("SELECT id FROM messages WHERE folder = ?", (inner.id,)):
                    messages.copy(cloud.db, key, made[inner.id], cloud.clock.stamp())
    except rows.FolderExists as error:
        raise errors.folder_exists() from error
    return _one(request, box, find(request, box, folder_id(box, made[folder.id])), 201)


def delete_folder(request: Request, box: Mailbox, name: str) -> Response:
    """Into Deleted Items; a folder that is there already is removed for good."""
    db = request.cloud.db
    folder, bin_ = find(request, box, name), rows.well_known(db, box.id, "deleteditems")
    if folder.well_known:
        raise errors.protected_folder("delete")
    if any(inner.id == folder.id for inner in rows.descendants(db, bin_)):
        rows.destroy(db, folder)
    else:
        free = rows.free_name(db, box.id, bin_.id, folder.name)
        with db.transaction():
            db.execute(
                "UPDATE folders SET parent = ?, name = ?, seq = ? WHERE id = ?",
                (bin_.id, free, db.next_seq(), folder.id),
            )
    return no_content()


def destroy_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find(request, box, name)
    try:
        rows.destroy(request.cloud.db, folder)
    except rows.FolderProtected as error:
        raise errors.protected_folder("delete") from error
    return no_content()


def count_folders(request: Request, box: Mailbox) -> Response:
    top = rows.well_known(request.cloud.db, box.id, "msgfolderroot")
    found = rows.children(request.cloud.db, box.id, top.id)
    return Response(raw=str(len(found)).encode(), content_type="text/plain")
