"""Messages: lists, single messages, MIME, changes, moves, copies, deletion."""

from typing import Any

import orjson

from ..mail.compose import compose
from ..state import folders as folder_rows
from ..state import ids
from ..state import messages as rows
from ..state.mailboxes import Mailbox
from . import errors, paging, shape
from .attachment_source import attachments_of
from .extended import store
from .filter_sql import COLUMNS as SORTABLE
from .filter_sql import to_sql
from .folders import decoded, destination, find, folder_id
from .odata import parse_filter
from .render import ID, MIME, PROPS, Context, Row, body_of, plan, show
from .request import Request, Response, no_content

SELECT = f"SELECT {rows.COLUMNS} FROM messages"


def context_of(request: Request, box: Mailbox) -> Context:
    return Context(request.cloud.db, box, request.immutable_ids)


def find_message(request: Request, box: Mailbox, text: str) -> Row:
    """The row with messages.COLUMNS. A mutable id dies when its message is moved. Raises GraphError."""
    item = decoded(box, text, ids.MUTABLE, ids.IMMUTABLE)
    row = request.cloud.db.one(f"{SELECT} WHERE id = ? AND mailbox = ?", (item.key, box.id))
    if row is None or (item.kind == ids.MUTABLE and row[3] != item.version):
        raise errors.not_found()
    return row  # type: ignore[no-any-return]


def _order(request: Request) -> tuple[str, bool]:
    """(SQL, whether it is the default order)."""
    raw = request.query.get("$orderby")
    if not raw:
        return "received DESC, id DESC", True
    terms = []
    for term in raw.split(","):
        name, _, direction = term.strip().partition(" ")
        column = SORTABLE.get(name.lower())
        if column is None:
            raise errors.bad_request(f"The property '{name}' does not support sorting.", "ErrorInvalidProperty")
        terms.append(f"{column} {'DESC' if direction.strip().lower() == 'desc' else 'ASC'}")
    return ", ".join([*terms, "id DESC"]), False


def _list(request: Request, box: Mailbox, where: str, values: list[Any], context: str) -> Response:
    order, _ = _order(request)
    if "$filter" in request.query:
        condition, more = to_sql(parse_filter(request.query["$filter"]))
        where, values = f"{where} AND {condition}", values + more
    if "$search" in request.query:
        where += " AND (subject LIKE ? OR props LIKE ?)"
        values = values + [f"%{request.query['$search'].strip(chr(34))}%"] * 2
    size = request.number("$top", 0) or request.preferred_page_size() or 10
    start = request.number("$skip", 0, 10**9)
    db = request.cloud.db
    found = db.all(f"{SELECT} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", [*values, size + 1, start])
    how, shown = plan(request.query.get("$select"), request.query.get("$expand")), context_of(request, box)
    base = f"{request.base_url}/v1.0/$metadata#users('{box.guid}')/"
    payload: dict[str, Any] = {"@odata.context": base + context}
    if request.flag("$count"):
        payload["@odata.count"] = db.one(f"SELECT COUNT(*) FROM messages WHERE {where}", values)[0]
    payload["value"] = [show(row, how, shown) for row in found[:size]]
    if len(found) > size:
        query = {**request.query, "$skip": start + size}
        payload["@odata.nextLink"] = paging.link(request.base_url, request.path, query)
    return Response(payload)


def list_all(request: Request, box: Mailbox) -> Response:
    """All messages of the mailbox, those in Recoverable Items left out."""
    hidden = folder_rows.well_known(request.cloud.db, box.id, "recoverableitemsdeletions")
    return _list(request, box, "mailbox = ? AND folder <> ?", [box.id, hidden.id], "messages")


def list_in_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find(request, box, name)
    return _list(
        request, box, "folder = ?", [folder.id], f"mailFolders('{folder_id(box, folder.id)}')/messages"
    )


def count_in_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find(request, box, name)
    where, values = "folder = ?", [folder.id]
    if "$filter" in request.query:
        condition, more = to_sql(parse_filter(request.query["$filter"]))
        where, values = f"{where} AND {condition}", values + more
    count = request.cloud.db.one(f"SELECT COUNT(*) FROM messages WHERE {where}", values)[0]
    return Response(raw=str(count).encode(), content_type="text/plain")


def one(request: Request, box: Mailbox, row: Row, status: int = 200) -> Response:
    how = plan(request.query.get("$select"), request.query.get("$expand"))
    item = show(row, how, context_of(request, box))
    base = f"{request.base_url}/v1.0/$metadata#users('{box.guid}')/messages/$entity"
    return Response({"@odata.context": base, **item}, status=status)


def get_message(request: Request, box: Mailbox, text: str) -> Response:
    return one(request, box, find_message(request, box, text))


def get_mime(request: Request, box: Mailbox, text: str) -> Response:
    item = decoded(box, text, ids.MUTABLE, ids.IMMUTABLE)
    db = request.cloud.db
    found = db.one(
        "SELECT m.version, b.data FROM messages m LEFT JOIN mime b ON b.id = m.mime "
        "WHERE m.id = ? AND m.mailbox = ?",
        (item.key, box.id),
    )
    if found is None or (item.kind == ids.MUTABLE and found[0] != item.version):
        raise errors.not_found()
    data = found[1]
    if data is None:
        data = composed(request, find_message(request, box, text))
    return Response(raw=data, content_type="text/plain")


def composed(request: Request, row: Row) -> bytes:
    """The MIME of a message that was made of fields: the same bytes at each call."""
    db = request.cloud.db
    transport = db.one("SELECT value FROM extended WHERE message = ? AND tag = 'string 0x7d'", (row[ID],))
    return compose(
        subject=row[13],
        internet_id=row[14],
        sent=row[6],
        importance=row[12],
        props=orjson.loads(row[PROPS]),
        body=body_of(row, db),
        attachments=[found.attachment for found in attachments_of(row, db)],
        headers=rows.content_of(db, row[ID]).get("headers") or [],
        transport=None if transport is None else str(transport[0]),
    )


ALWAYS = {
    "isread",
    "flag",
    "categories",
    "importance",
    "inferenceclassification",
    "singlevalueextendedproperties",
}
DRAFT_ONLY = {
    "subject", "body", "from", "sender", "torecipients", "ccrecipients", "bccrecipients", "replyto",
    "internetmessageid", "isdeliveryreceiptrequested", "isreadreceiptrequested",
}  # fmt: skip
RECIPIENTS = {
    "from": "from", "sender": "sender", "torecipients": "toRecipients", "ccrecipients": "ccRecipients",
    "bccrecipients": "bccRecipients", "replyto": "replyTo",
    "isdeliveryreceiptrequested": "isDeliveryReceiptRequested",
    "isreadreceiptrequested": "isReadReceiptRequested",
    "inferenceclassification": "inferenceClassification",
}  # fmt: skip


def update_message(request: Request, box: Mailbox, text: str) -> Response:
    row, db = find_message(request, box, text), request.cloud.db
    body = shape.message(request.json(), "message")
    wanted = {key.lower(): value for key, value in body.items() if "@" not in key}
    for name in wanted:
        if name in DRAFT_ONLY and row[10]:
            continue
        if name not in ALWAYS:
            reason = f"The property '{name}' cannot be set on this message."
            raise errors.bad_request(reason, "ErrorInvalidPropertySet")
    with db.transaction():
        columns = _columns(wanted)
        if wanted.keys() & (DRAFT_ONLY - {"internetmessageid"} | {"inferenceclassification"}):
            props = orjson.loads(row[PROPS])
            props |= {RECIPIENTS[name]: value for name, value in wanted.items() if name in RECIPIENTS}
            columns["props"] = orjson.dumps(props)
        if wanted.keys() & DRAFT_ONLY:
            detach_from_mime(request, row, wanted.get("body"))
        if wanted.get("singlevalueextendedproperties"):
            store(db, row[ID], wanted["singlevalueextendedproperties"])
            columns.setdefault("importance", row[12])
        if columns:
            _log_change(request, row, columns)
    return one(request, box, find_message(request, box, text))


def _columns(wanted: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "isread" in wanted:
        columns["is_read"] = bool(wanted["isread"])
    if "flag" in wanted:
        flag = wanted["flag"]
        plain = not flag or flag.get("flagStatus") == "notFlagged"
        columns["flag"] = None if plain else orjson.dumps(flag).decode()
    if "categories" in wanted:
        columns["categories"] = orjson.dumps(wanted["categories"]).decode() if wanted["categories"] else None
    for name, column in (
        ("importance", "importance"),
        ("subject", "subject"),
        ("internetmessageid", "internet_id"),
    ):
        if name in wanted:
            columns[column] = wanted[name]
    return columns


def _log_change(request: Request, row: Row, columns: dict[str, Any]) -> None:
    db, only_read = request.cloud.db, set(columns) == {"is_read"}
    if only_read and request.cloud.switches.hide_read_changes:
        db.execute("UPDATE messages SET is_read = ? WHERE id = ?", (columns["is_read"], row[ID]))
        return
    rows.change(db, row[ID], request.cloud.clock.stamp(), columns)


def detach_from_mime(request: Request, row: Row, body: dict[str, Any] | None = None) -> None:
    """A message whose content changes is from now on composed from its fields."""
    db = request.cloud.db
    content = rows.content_of(db, row[ID])
    content["body"] = body or body_of(row, db)
    if row[MIME] is not None:
        for found in attachments_of(row, db):
            one_ = found.attachment
            db.execute(
                "INSERT OR REPLACE INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row[ID], found.number, one_.kind, one_.name, one_.content_type, one_.is_inline,
                 one_.content_id, len(one_.data), found.modified, None, one_.data),
            )  # fmt: skip
    db.execute("UPDATE messages SET mime = NULL, content = ? WHERE id = ?", (orjson.dumps(content), row[ID]))


def move_message(request: Request, box: Mailbox, text: str) -> Response:
    row, target = find_message(request, box, text), destination(request, box)
    rows.move(request.cloud.db, row[ID], target.id, request.cloud.clock.stamp())
    return one(request, box, request.cloud.db.one(f"{SELECT} WHERE id = ?", (row[ID],)), 201)


def copy_message(request: Request, box: Mailbox, text: str) -> Response:
    row, target = find_message(request, box, text), destination(request, box)
    key = rows.copy(request.cloud.db, row[ID], target.id, request.cloud.clock.stamp())
    return one(request, box, request.cloud.db.one(f"{SELECT} WHERE id = ?", (key,)), 201)


def delete_message(request: Request, box: Mailbox, text: str) -> Response:
    """Into Deleted Items; from there into Recoverable Items; from there for good."""
    row, db = find_message(request, box, text), request.cloud.db
    bin_ = folder_rows.well_known(db, box.id, "deleteditems")
    dumpster = folder_rows.well_known(db, box.id, "recoverableitemsdeletions")
    below_bin = {folder.id for folder in folder_rows.descendants(db, bin_)}
    if row[2] == dumpster.id:
        rows.destroy(db, row[ID])
    else:
        target = dumpster.id if row[2] in below_bin else bin_.id
        rows.move(db, row[ID], target, request.cloud.clock.stamp())
    return no_content()


def destroy_message(request: Request, box: Mailbox, text: str) -> Response:
    rows.destroy(request.cloud.db, find_message(request, box, text)[ID])
    return no_content()
