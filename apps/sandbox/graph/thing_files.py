"""Files of a thing: list, get, bytes, add (direct and by upload session), delete."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

from ..state import ids
from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import File, Thing
from . import errors
from .folders import decoded
from .request import Request, Response, no_content
from .things import context, list_answer, narrowed

DIRECT_LIMIT = 3 * 1024 * 1024
FILE, TASK_FILE = "#microsoft.graph.fileAttachment", "#microsoft.graph.taskFileAttachment"
_OWN = {"contentBytes", "id", "size", "lastModifiedDateTime", "item"}


def file_id(box: Mailbox, thing: Thing, number: int) -> str:
    return ids.encode(box.guid, ids.THING_FILE, thing.id, number)


def show(box: Mailbox, thing: Thing, file: File, *, contents: bool = True) -> dict[str, Any]:
    """As Graph tells it; `@odata.type` is the one that it was made with."""
    item = {
        "@odata.type": FILE,
        **file.doc,
        "id": file_id(box, thing, file.number),
        "lastModifiedDateTime": file.modified,
        "size": len(file.data),
    }
    if contents and item["@odata.type"] in (FILE, TASK_FILE):
        item["contentBytes"] = b64encode(file.data).decode()
    return item


def list_files(request: Request, box: Mailbox, thing: Thing, *, contents: bool = True) -> Response:
    found = [show(box, thing, file, contents=contents) for file in rows.files(request.cloud.db, thing)]
    return list_answer(request, box, found, "attachments")


def find_file(request: Request, box: Mailbox, thing: Thing, text: str) -> File:
    item = decoded(box, text, ids.THING_FILE)
    for file in rows.files(request.cloud.db, thing):
        if item.key == thing.id and file.number == item.version:
            return file
    raise errors.not_found("ErrorItemNotFound", "The specified attachment was not found in the store.")


def get_file(request: Request, box: Mailbox, thing: Thing, text: str) -> Response:
    item = narrowed(show(box, thing, find_file(request, box, thing, text)), request.query.get("$select"))
    return Response({"@odata.context": context(request, box, "attachments/$entity"), **item})


def get_bytes(request: Request, box: Mailbox, thing: Thing, text: str) -> Response:
    file = find_file(request, box, thing, text)
    if str(file.doc.get("@odata.type")).endswith("referenceAttachment"):
        raise errors.GraphError(405, "ErrorInvalidRequest", "A reference attachment has no content.")
    kind = str(file.doc.get("contentType") or "application/octet-stream")
    return Response(raw=file.data, content_type=kind)


def add_file(request: Request, box: Mailbox, thing: Thing, wanted: dict[str, Any] | None = None) -> Response:
    """Attach what the body holds (or `wanted`): up to 3 MB."""
    given = request.json() if wanted is None else wanted
    number = store_file(request, thing, given)
    file = next(each for each in rows.files(request.cloud.db, thing) if each.number == number)
    where = context(request, box, "attachments/$entity")
    return Response({"@odata.context": where, **show(box, thing, file)}, status=201)


def store_file(request: Request, thing: Thing, given: dict[str, Any], role: str = "attachment") -> int:
    """Return its number. Raises GraphError."""
    if not given.get("@odata.type"):
        raise errors.bad_request("The attachment needs an @odata.type.", "ErrorInvalidRequest")
    try:
        data = b64decode(str(given.get("contentBytes") or ""), validate=True)
    except Base64Error as error:
        raise errors.bad_request("contentBytes is not valid base64.", "ErrorInvalidRequest") from error
    if len(data) > DIRECT_LIMIT:
        text = "The attachment is larger than 3 MB: use an upload session."
        raise errors.GraphError(413, "ErrorAttachmentSizeLimitExceeded", text)
    doc = {key: value for key, value in given.items() if key not in _OWN}
    return rows.add_file(request.cloud.db, thing, doc, data, request.cloud.clock.stamp(), role=role)


def delete_file(request: Request, box: Mailbox, thing: Thing, text: str) -> Response:
    file = find_file(request, box, thing, text)
    rows.remove_file(request.cloud.db, thing, file.number, request.cloud.clock.stamp())
    return no_content()
