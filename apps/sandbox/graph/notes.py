"""Short notes of a mailbox (the Notes folder of Outlook): notes, their list of changes, their files."""

from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from . import errors, thing_files, things
from .request import Request, Response, no_content
from .router import Route
from .shape import Check, body, checked_object, list_of, of_type, text, value_property
from .things import Document, Kind, change_key, find, folder_id, thing_id

DEFAULT = "notes"
PREVIEW = 255
_MEMBERS: dict[str, Check] = {
    "subject": text,
    "body": body,
    "categories": list_of(text),
    "singleValueExtendedProperties": list_of(value_property),
    "attachments": list_of(of_type(dict)),
}
note_shape = checked_object("note", _MEMBERS)


def show(request: Request, box: Mailbox, thing: Thing) -> Document:
    content = (thing.doc.get("body") or {}).get("content") or ""
    return {
        "@odata.etag": f'W/"{change_key(thing.seq)}"',
        "id": thing_id(box, thing.id),
        "createdDateTime": thing.created,
        "lastModifiedDateTime": thing.modified,
        "changeKey": change_key(thing.seq),
        "categories": [],
        "subject": None,
        "body": {"contentType": "text", "content": ""},
        "bodyPreview": content[:PREVIEW],
        "hasAttachments": bool(rows.files(request.cloud.db, thing)),
        "isDeleted": False,
        **thing.doc,
    }


def show_folder(request: Request, box: Mailbox, folder: Folder) -> Document:
    return {"id": folder_id(box, folder.id), "displayName": folder.name}


KIND = Kind("notes", "microsoft.graph.note", "notes", "notes", show, show_folder)


def _folder(request: Request, box: Mailbox) -> Folder:
    return things.default_folder(request, box, KIND, DEFAULT)


def list_notes(request: Request, box: Mailbox) -> Response:
    return things.list_things(request, box, KIND, _folder(request, box), "notes")


def count_notes(request: Request, box: Mailbox) -> Response:
    return things.count_answer(rows.count(request.cloud.db, _folder(request, box)))


def note_delta(request: Request, box: Mailbox) -> Response:
    return things.thing_delta(request, box, KIND, _folder(request, box))


def get_note(request: Request, box: Mailbox, text_: str) -> Response:
    return things.one_answer(request, box, KIND, find(request, box, KIND, text_), "notes")


def _kept(wanted: Document) -> Document:
    dropped = ("singleValueExtendedProperties", "attachments")
    return {key: value for key, value in wanted.items() if "@" not in key and key not in dropped}


def create_note(request: Request, box: Mailbox) -> Response:
    wanted, db = note_shape(request.json(), "note"), request.cloud.db
    if not wanted.get("subject") and not (wanted.get("body") or {}).get("content"):
        raise errors.bad_request("The note has neither subject nor body.", "ErrorInvalidRequest")
    with db.transaction():
        thing = rows.add(db, _folder(request, box), _kept(wanted), request.cloud.clock.stamp())
        things.set_values(request, thing, wanted.get("singleValueExtendedProperties"))
        for each in wanted.get("attachments") or ():
            thing_files.store_file(request, thing, each)
    return things.one_answer(request, box, KIND, thing, "notes", status=201)


def update_note(request: Request, box: Mailbox, text_: str) -> Response:
    thing, db = find(request, box, KIND, text_), request.cloud.db
    wanted = note_shape(request.json(), "note")
    with db.transaction():
        things.set_values(request, thing, wanted.get("singleValueExtendedProperties"))
        thing = rows.change(db, thing, thing.doc | _kept(wanted), request.cloud.clock.stamp())
    return things.one_answer(request, box, KIND, thing, "notes")


def delete_note(request: Request, box: Mailbox, text_: str) -> Response:
    rows.remove(request.cloud.db, find(request, box, KIND, text_))
    return no_content()


def list_files(request: Request, box: Mailbox, text_: str) -> Response:
    return thing_files.list_files(request, box, find(request, box, KIND, text_))


def add_file(request: Request, box: Mailbox, text_: str) -> Response:
    return thing_files.add_file(request, box, find(request, box, KIND, text_))


def get_file(request: Request, box: Mailbox, text_: str, file: str) -> Response:
    return thing_files.get_file(request, box, find(request, box, KIND, text_), file)


READ = frozenset({"ShortNotes.Read.All", "ShortNotes.ReadWrite.All"})
WRITE = frozenset({"ShortNotes.ReadWrite.All"})
_N = "/users/{user}/notes"
ROUTES = [
    Route(method, template, handler, READ if method == "GET" else WRITE, "mail")
    for method, template, handler in (
        ("GET", _N, list_notes),
        ("POST", _N, create_note),
        ("GET", f"{_N}/$count", count_notes),
        ("GET", f"{_N}/delta", note_delta),
        ("GET", f"{_N}/{{note}}", get_note),
        ("PATCH", f"{_N}/{{note}}", update_note),
        ("DELETE", f"{_N}/{{note}}", delete_note),
        ("GET", f"{_N}/{{note}}/attachments", list_files),
        ("POST", f"{_N}/{{note}}/attachments", add_file),
        ("GET", f"{_N}/{{note}}/attachments/{{file}}", get_file),
    )
]
