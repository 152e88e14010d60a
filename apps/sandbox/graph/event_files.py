"""Files of an event, or of one changed date of a series."""

from ..state import ids
from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import File
from . import errors, thing_files
from .events import Found, find
from .folders import decoded
from .request import Request, Response, no_content
from .things import context, list_answer, narrowed
from .uploads import create_thing_session


def list_files(request: Request, box: Mailbox, text: str) -> Response:
    found = find(request, box, text)
    shown = [
        _shown(request, box, found, file) for file in rows.files(request.cloud.db, found.thing, found.role)
    ]
    return list_answer(request, box, shown, "attachments")


def _shown(request: Request, box: Mailbox, found: Found, file: File) -> dict[str, object]:
    item = thing_files.show(box, found.thing, file)
    if "item" in item and "itemattachment/item" not in request.query.get("$expand", "").lower():
        del item["item"]
    return {key: value for key, value in item.items() if key != "sourceUrl"}  # only beta tells it


def _file(request: Request, box: Mailbox, text: str, attachment: str) -> tuple[Found, File]:
    found, item = find(request, box, text), decoded(box, attachment, ids.THING_FILE)
    for file in rows.files(request.cloud.db, found.thing, found.role):
        if item.key == found.thing.id and file.number == item.version:
            return found, file
    raise errors.not_found("ErrorItemNotFound", "The specified attachment was not found in the store.")


def get_file(request: Request, box: Mailbox, text: str, attachment: str) -> Response:
    found, file = _file(request, box, text, attachment)
    shown = _shown(request, box, found, file)
    item = narrowed(shown, request.query.get("$select")) | ({"item": shown["item"]} if "item" in shown else {})
    return Response({"@odata.context": context(request, box, "attachments/$entity"), **item})


def get_bytes(request: Request, box: Mailbox, text: str, attachment: str) -> Response:
    _, file = _file(request, box, text, attachment)
    if str(file.doc.get("@odata.type")).endswith("referenceAttachment"):
        raise errors.GraphError(405, "ErrorInvalidRequest", "A reference attachment has no content.")
    return Response(raw=file.data, content_type=str(file.doc.get("contentType") or "application/octet-stream"))


def add_file(request: Request, box: Mailbox, text: str) -> Response:
    found = find(request, box, text)
    _must_be_changed(found)
    number = thing_files.store_file(request, found.thing, request.json(), found.role)
    file = next(f for f in rows.files(request.cloud.db, found.thing, found.role) if f.number == number)
    where = context(request, box, "attachments/$entity")
    return Response({"@odata.context": where, **_shown(request, box, found, file)}, status=201)


def create_session(request: Request, box: Mailbox, text: str) -> Response:
    found = find(request, box, text)
    _must_be_changed(found)
    return create_thing_session(request, box, found.thing, found.role)


def _must_be_changed(found: Found) -> None:
    if found.one is not None and found.one.changes is None:
        raise errors.bad_request("Change the date of the series before attaching to it.", "ErrorInvalidRequest")


def delete_file(request: Request, box: Mailbox, text: str, attachment: str) -> Response:
    found, file = _file(request, box, text, attachment)
    rows.remove_file(request.cloud.db, found.thing, file.number, request.cloud.clock.stamp())
    return no_content()
