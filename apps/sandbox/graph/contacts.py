"""Contact folders and contacts with their photos."""

from typing import Any

from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from . import errors, things
from .request import Request, Response, no_content
from .router import Route
from .shape import Check, checked_object, flag, list_of, text
from .things import Document, Kind, change_key, find, find_folder, folder_id, thing_id

DEFAULT = "contacts"
PHOTO_LIMIT = 4 * 1024 * 1024
_TEXTS = (
    "assistantName", "birthday", "businessHomePage", "companyName", "department", "displayName", "fileAs",
    "generation", "givenName", "initials", "jobTitle", "manager", "middleName", "mobilePhone", "nickName",
    "officeLocation", "personalNotes", "profession", "spouseName", "surname", "title", "yomiCompanyName",
    "yomiGivenName", "yomiSurname",
)  # fmt: skip
_LISTS = ("businessPhones", "categories", "children", "homePhones", "imAddresses")
_ADDRESSES = ("businessAddress", "homeAddress", "otherAddress")
_address = checked_object(
    "physicalAddress", dict.fromkeys(("street", "city", "state", "countryOrRegion", "postalCode"), text)
)
_email = checked_object("emailAddress", {"name": text, "address": text})
_value = checked_object("singleValueLegacyExtendedProperty", {"id": text, "value": text}, ("id", "value"))
_MEMBERS: dict[str, Check] = {
    **dict.fromkeys(_TEXTS, text),
    **dict.fromkeys(_LISTS, list_of(text)),
    **dict.fromkeys(_ADDRESSES, _address),
    "emailAddresses": list_of(_email),
    "singleValueExtendedProperties": list_of(_value),
}
contact_shape = checked_object("contact", _MEMBERS)
folder_shape = checked_object("contactFolder", {"displayName": text, "parentFolderId": text, "isHidden": flag})


def show(request: Request, box: Mailbox, thing: Thing) -> Document:
    return {
        "@odata.etag": f'W/"{change_key(thing.seq)}"',
        "id": thing_id(box, thing.id),
        "createdDateTime": thing.created,
        "lastModifiedDateTime": thing.modified,
        "changeKey": change_key(thing.seq),
        "parentFolderId": folder_id(box, thing.folder),
        **dict.fromkeys(_TEXTS),
        **{name: [] for name in (*_LISTS, "emailAddresses")},
        **{name: {} for name in _ADDRESSES},
        **thing.doc,
    }


def show_folder(request: Request, box: Mailbox, folder: Folder) -> Document:
    parent = folder.parent
    if parent is None and not folder.well_known:
        parent = things.default_folder(request, box, KIND, DEFAULT).id
    return {
        "id": folder_id(box, folder.id),
        "displayName": folder.name,
        "parentFolderId": folder_id(box, parent or 0),
    }


KIND = Kind("contacts", "microsoft.graph.contact", "contactFolders", "contacts", show, show_folder)


# -- folders -------------------------------------------------------------------------------------------------


def _folder_list(request: Request, box: Mailbox, above: Folder, where: str) -> Response:
    found = [show_folder(request, box, each) for each in rows.subfolders(request.cloud.db, above)]
    return things.list_answer(request, box, found, where)


def list_folders(request: Request, box: Mailbox) -> Response:
    """What is below the default folder, which itself is not in the list: as the real service."""
    return _folder_list(request, box, things.default_folder(request, box, KIND, DEFAULT), "contactFolders")


def list_children(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_folder(request, box, KIND, name)
    where = f"contactFolders('{folder_id(box, folder.id)}')/childFolders"
    return _folder_list(request, box, folder, where)


def _one_folder(request: Request, box: Mailbox, folder: Folder, status: int = 200) -> Response:
    where = things.context(request, box, "contactFolders/$entity")
    item = things.narrowed(show_folder(request, box, folder), request.query.get("$select"))
    return Response({"@odata.context": where, **item}, status=status)


def get_folder(request: Request, box: Mailbox, name: str) -> Response:
    return _one_folder(request, box, find_folder(request, box, KIND, name))


def _wanted_name(request: Request, siblings: list[Folder]) -> str:
    wanted = folder_shape(request.json(), "contactFolder").get("displayName")
    if not wanted:
        raise errors.bad_request("The folder needs a displayName.", "ErrorInvalidRequest")
    if any(each.name.casefold() == wanted.casefold() for each in siblings):
        raise errors.folder_exists()
    return str(wanted)


def _create_folder(request: Request, box: Mailbox, above: Folder) -> Response:
    name = _wanted_name(request, rows.subfolders(request.cloud.db, above))
    folder = rows.add_folder(request.cloud.db, box.id, KIND.word, name, parent=above.id)
    return _one_folder(request, box, folder, 201)


def create_folder(request: Request, box: Mailbox) -> Response:
    return _create_folder(request, box, things.default_folder(request, box, KIND, DEFAULT))


def create_child(request: Request, box: Mailbox, name: str) -> Response:
    return _create_folder(request, box, find_folder(request, box, KIND, name))


def update_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_folder(request, box, KIND, name)
    if folder.well_known:
        raise errors.protected_folder("rename")
    siblings = [
        each
        for each in rows.folders(request.cloud.db, box.id, KIND.word)
        if each.parent == folder.parent and each.id != folder.id
    ]
    return _one_folder(
        request, box, rows.change_folder(request.cloud.db, folder, name=_wanted_name(request, siblings))
    )


def delete_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_folder(request, box, KIND, name)
    if folder.well_known:
        raise errors.protected_folder("delete")
    rows.remove_folder(request.cloud.db, folder)
    return no_content()


def folder_delta(request: Request, box: Mailbox) -> Response:
    return things.folder_delta(request, box, KIND)


# -- contacts ------------------------------------------------------------------------------------------------


def list_all(request: Request, box: Mailbox) -> Response:
    """Those of the default folder."""
    folder = things.default_folder(request, box, KIND, DEFAULT)
    return things.list_things(request, box, KIND, folder, "contacts")


def list_in_folder(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_folder(request, box, KIND, name)
    where = f"contactFolders('{folder_id(box, folder.id)}')/contacts"
    return things.list_things(request, box, KIND, folder, where)


def count_in_folder(request: Request, box: Mailbox, name: str) -> Response:
    return things.count_answer(rows.count(request.cloud.db, find_folder(request, box, KIND, name)))


def contact_delta(request: Request, box: Mailbox, name: str) -> Response:
    return things.thing_delta(request, box, KIND, find_folder(request, box, KIND, name))


def _one(request: Request, box: Mailbox, thing: Thing, status: int = 200) -> Response:
    return things.one_answer(request, box, KIND, thing, "contacts", status=status)


def get_contact(request: Request, box: Mailbox, text_: str) -> Response:
    return _one(request, box, find(request, box, KIND, text_))


def _kept(wanted: Document) -> Document:
    """What a body sets; Exchange keeps at most three addresses, and the bare day of a birthday."""
    doc = {key: value for key, value in wanted.items() if "@" not in key}
    doc.pop("singleValueExtendedProperties", None)
    if len(doc.get("emailAddresses") or ()) > 3:
        raise errors.bad_request("A contact has at most three e-mail addresses.", "ErrorInvalidRequest")
    if doc.get("birthday"):
        doc["birthday"] = f"{doc['birthday'][:10]}T11:59:00Z"
    for name in _ADDRESSES:
        if name in doc:
            doc[name] = {key: value for key, value in (doc[name] or {}).items() if value}
    return doc


def _create(request: Request, box: Mailbox, folder: Folder) -> Response:
    wanted, db, now = contact_shape(request.json(), "contact"), request.cloud.db, request.cloud.clock.stamp()
    doc = _kept(wanted)
    if not doc.get("displayName"):
        doc["displayName"] = " ".join(str(doc[n]) for n in ("givenName", "surname") if doc.get(n)) or None
    with db.transaction():
        thing = rows.add(db, folder, doc, now)
        things.set_values(request, thing, wanted.get("singleValueExtendedProperties"))
    return _one(request, box, thing, 201)


def create_contact(request: Request, box: Mailbox) -> Response:
    return _create(request, box, things.default_folder(request, box, KIND, DEFAULT))


def create_in_folder(request: Request, box: Mailbox, name: str) -> Response:
    return _create(request, box, find_folder(request, box, KIND, name))


def update_contact(request: Request, box: Mailbox, text_: str) -> Response:
    thing, db = find(request, box, KIND, text_), request.cloud.db
    wanted = contact_shape(request.json(), "contact")
    with db.transaction():
        things.set_values(request, thing, wanted.get("singleValueExtendedProperties"))
        thing = rows.change(db, thing, thing.doc | _kept(wanted), request.cloud.clock.stamp())
    return _one(request, box, thing)


def delete_contact(request: Request, box: Mailbox, text_: str) -> Response:
    rows.remove(request.cloud.db, find(request, box, KIND, text_))
    return no_content()


# -- photos --------------------------------------------------------------------------------------------------


def _photo(request: Request, box: Mailbox, text_: str) -> tuple[Thing, rows.File | None]:
    thing = find(request, box, KIND, text_)
    return thing, next(iter(rows.files(request.cloud.db, thing, "photo")), None)


def get_photo(request: Request, box: Mailbox, text_: str) -> Response:
    _, photo = _photo(request, box, text_)
    if photo is None:
        raise errors.not_found("ErrorItemNotFound", "The photo was not found.")
    where = things.context(request, box, "contacts/photo/$entity")
    kind = {"@odata.context": where, "@odata.mediaContentType": photo.doc["contentType"]}
    return Response({**kind, "id": "photo", "width": 48, "height": 48})


def get_photo_bytes(request: Request, box: Mailbox, text_: str) -> Response:
    _, photo = _photo(request, box, text_)
    if photo is None:
        raise errors.not_found("ErrorItemNotFound", "The photo was not found.")
    return Response(raw=photo.data, content_type=str(photo.doc["contentType"]))


def put_photo(request: Request, box: Mailbox, text_: str) -> Response:
    thing, photo = _photo(request, box, text_)
    if not request.body or len(request.body) > PHOTO_LIMIT:
        raise errors.bad_request("The photo is empty or larger than 4 MB.", "ErrorInvalidImage")
    db, now = request.cloud.db, request.cloud.clock.stamp()
    doc: dict[str, Any] = {"contentType": request.headers.get("content-type", "image/jpeg")}
    with db.transaction():
        if photo is not None:
            rows.remove_file(db, thing, photo.number, now)
        rows.add_file(db, thing, doc, request.body, now, role="photo")
    return Response(status=200, raw=b"")


def delete_photo(request: Request, box: Mailbox, text_: str) -> Response:
    thing, photo = _photo(request, box, text_)
    if photo is not None:
        rows.remove_file(request.cloud.db, thing, photo.number, request.cloud.clock.stamp())
    return no_content()


READ, WRITE = frozenset({"Contacts.Read", "Contacts.ReadWrite"}), frozenset({"Contacts.ReadWrite"})
_F, _C = "/users/{user}/contactFolders", "/users/{user}/contacts"
ROUTES = [
    Route(method, template, handler, READ if method == "GET" else WRITE, "mail")
    for method, template, handler in (
        ("GET", _F, list_folders),
        ("POST", _F, create_folder),
        ("GET", f"{_F}/delta", folder_delta),
        ("GET", f"{_F}/{{folder}}", get_folder),
        ("PATCH", f"{_F}/{{folder}}", update_folder),
        ("DELETE", f"{_F}/{{folder}}", delete_folder),
        ("GET", f"{_F}/{{folder}}/childFolders", list_children),
        ("POST", f"{_F}/{{folder}}/childFolders", create_child),
        ("GET", f"{_F}/{{folder}}/contacts", list_in_folder),
        ("POST", f"{_F}/{{folder}}/contacts", create_in_folder),
        ("GET", f"{_F}/{{folder}}/contacts/$count", count_in_folder),
        ("GET", f"{_F}/{{folder}}/contacts/delta", contact_delta),
        ("GET", _C, list_all),
        ("POST", _C, create_contact),
        ("GET", f"{_C}/{{contact}}", get_contact),
        ("PATCH", f"{_C}/{{contact}}", update_contact),
        ("DELETE", f"{_C}/{{contact}}", delete_contact),
        ("GET", f"{_C}/{{contact}}/photo", get_photo),
        ("GET", f"{_C}/{{contact}}/photo/$value", get_photo_bytes),
        ("PUT", f"{_C}/{{contact}}/photo/$value", put_photo),
        ("DELETE", f"{_C}/{{contact}}/photo/$value", delete_photo),
    )
]
