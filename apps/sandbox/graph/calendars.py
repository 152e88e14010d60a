"""Calendar groups and calendars."""

from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import Folder
from . import errors, things
from .event_show import show, show_calendar
from .request import Request, Response, no_content
from .shape import checked_object, flag, text
from .things import Document, Kind, change_key, find_folder, folder_id

DEFAULT, MY_CALENDARS = "calendar", "mycalendars"
CLASS_OF = {MY_CALENDARS: "0006f0b7-0000-0000-c000-000000000046"}
_calendar = checked_object(
    "calendar", {"name": text, "color": text, "hexColor": text, "isDefaultCalendar": flag}
)
_group = checked_object("calendarGroup", {"name": text})


def _show_group(request: Request, box: Mailbox, folder: Folder) -> Document:
    return {
        "id": folder_id(box, folder.id),
        "name": folder.name,
        "classId": CLASS_OF.get(folder.well_known, "0006f0b8-0000-0000-c000-000000000046"),
        "changeKey": change_key(folder.seq),
    }


KIND = Kind("events", "microsoft.graph.event", "calendars", "events", show, show_calendar)
GROUPS = Kind(
    "calendargroups", "microsoft.graph.calendarGroup", "calendarGroups", "calendars", show, _show_group
)


def default_calendar(request: Request, box: Mailbox) -> Folder:
    return things.default_folder(request, box, KIND, DEFAULT)


def find_calendar(request: Request, box: Mailbox, name: str) -> Folder:
    return find_folder(request, box, KIND, name)


# -- groups --------------------------------------------------------------------------------------------------


def list_groups(request: Request, box: Mailbox) -> Response:
    found = rows.folders(request.cloud.db, box.id, GROUPS.word)
    shown = [_show_group(request, box, each) for each in found]
    return things.list_answer(request, box, shown, "calendarGroups")


def create_group(request: Request, box: Mailbox) -> Response:
    name = _name(_group(request.json(), "calendarGroup"))
    folder = rows.add_folder(request.cloud.db, box.id, GROUPS.word, name)
    where = things.context(request, box, "calendarGroups/$entity")
    return Response({"@odata.context": where, **_show_group(request, box, folder)}, status=201)


def list_in_group(request: Request, box: Mailbox, name: str) -> Response:
    group = find_folder(request, box, GROUPS, name)
    mine = group.well_known == MY_CALENDARS
    found = [each for each in _calendars(request, box) if each.doc.get("group", mine and group.id) == group.id]
    return _list(request, box, found)


def create_in_group(request: Request, box: Mailbox, name: str) -> Response:
    return _create(request, box, {"group": find_folder(request, box, GROUPS, name).id})


# -- calendars -----------------------------------------------------------------------------------------------


def _calendars(request: Request, box: Mailbox) -> list[Folder]:
    return rows.folders(request.cloud.db, box.id, KIND.word)


def _list(request: Request, box: Mailbox, found: list[Folder]) -> Response:
    return things.list_answer(request, box, [show_calendar(request, box, each) for each in found], "calendars")


def list_calendars(request: Request, box: Mailbox) -> Response:
    """Those of the default group alone: what people keep in other groups is found there."""
    mine = things.default_folder(request, box, GROUPS, MY_CALENDARS).id
    return _list(
        request, box, [each for each in _calendars(request, box) if each.doc.get("group", mine) == mine]
    )


def create_calendar(request: Request, box: Mailbox) -> Response:
    return _create(request, box, {})


def _name(wanted: Document) -> str:
    if not wanted.get("name"):
        raise errors.bad_request("It needs a name.", "ErrorInvalidRequest")
    return str(wanted["name"])


def _create(request: Request, box: Mailbox, doc: Document) -> Response:
    """Exchange keeps calendars side by side, in whatever group they are shown: names are taken once."""
    wanted = _calendar(request.json(), "calendar")
    name = _name(wanted)
    if any(each.name.casefold() == name.casefold() for each in _calendars(request, box)):
        raise errors.folder_exists()
    doc |= {key: value for key, value in wanted.items() if key in ("color", "hexColor")}
    return _one(request, box, rows.add_folder(request.cloud.db, box.id, KIND.word, name, doc=doc), 201)


def _one(request: Request, box: Mailbox, folder: Folder, status: int = 200) -> Response:
    item = things.narrowed(show_calendar(request, box, folder), request.query.get("$select"))
    where = things.context(request, box, "calendars/$entity")
    return Response({"@odata.context": where, **item}, status=status)


def get_calendar(request: Request, box: Mailbox, name: str) -> Response:
    return _one(request, box, find_calendar(request, box, name))


def get_default(request: Request, box: Mailbox) -> Response:
    return _one(request, box, default_calendar(request, box))


def update_calendar(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_calendar(request, box, name)
    wanted = _calendar(request.json(), "calendar")
    if folder.well_known and wanted.get("name"):
        raise errors.protected_folder("rename")
    doc = {key: value for key, value in wanted.items() if key in ("color", "hexColor")}
    return _one(request, box, rows.change_folder(request.cloud.db, folder, name=wanted.get("name"), doc=doc))


def delete_calendar(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_calendar(request, box, name)
    if folder.well_known:
        raise errors.protected_folder("delete")
    rows.remove_folder(request.cloud.db, folder)
    return no_content()
