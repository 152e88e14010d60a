"""To Do: lists, tasks, what is on a task (checklist, links, files, extensions).

A task is addressed by its list only. Checklist items and links are kept inside the task's document.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from ..state import things as rows
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from . import errors, thing_files, things
from .request import Request, Response, no_content
from .router import Route
from .shape import Check, body, checked_object, flag, list_of, moment, number, of_type, one_of, text
from .things import Document, Kind, change_key, find_folder, folder_id, thing_id
from .todo_uploads import create_session, put_range

_STATUSES = ("notStarted", "inProgress", "completed", "waitingOnOthers", "deferred")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_pattern = checked_object(
    "recurrencePattern",
    {
        "type": one_of(
            "daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"
        ),
        "interval": number, "month": number, "dayOfMonth": number,
        "daysOfWeek": list_of(one_of(*_DAYS)), "firstDayOfWeek": one_of(*_DAYS),
        "index": one_of("first", "second", "third", "fourth", "last"),
    },
)  # fmt: skip
_span = checked_object(
    "recurrenceRange",
    {
        "type": one_of("endDate", "noEnd", "numbered"), "startDate": text, "endDate": text,
        "recurrenceTimeZone": text, "numberOfOccurrences": number,
    },
)  # fmt: skip
_CHECK: dict[str, Check] = {
    "displayName": text, "isChecked": flag, "checkedDateTime": text, "createdDateTime": text, "id": text,
}  # fmt: skip
_LINK = dict.fromkeys(("webUrl", "applicationName", "displayName", "externalId", "id"), text)
check_shape, link_shape = checked_object("checklistItem", _CHECK), checked_object("linkedResource", _LINK)
task_shape = checked_object(
    "todoTask",
    {
        "title": text, "body": body, "status": one_of(*_STATUSES),
        "importance": one_of("low", "normal", "high"), "extensions": list_of(of_type(dict)),
        **dict.fromkeys(("dueDateTime", "startDateTime", "completedDateTime", "reminderDateTime"), moment),
        "isReminderOn": flag, "categories": list_of(text),
        "recurrence": checked_object("patternedRecurrence", {"pattern": _pattern, "range": _span}),
        "checklistItems": list_of(check_shape), "linkedResources": list_of(link_shape),
        **dict.fromkeys(("createdDateTime", "lastModifiedDateTime"), text),
    },
)  # fmt: skip
list_shape = checked_object("todoTaskList", {"displayName": text})
_OF_A_TASK = ("checklistItems", "linkedResources")


def show(request: Request, box: Mailbox, thing: Thing) -> Document:
    doc = {key: value for key, value in thing.doc.items() if key not in _OF_A_TASK and value is not None}
    files = rows.files(request.cloud.db, thing)
    item = {
        "@odata.etag": f'W/"{change_key(thing.seq)}"',
        "id": thing_id(box, thing.id),
        "createdDateTime": thing.created,
        "lastModifiedDateTime": thing.modified,
        "bodyLastModifiedDateTime": thing.modified,
        "hasAttachments": bool(files),
        "title": "",
        "importance": "normal",
        "status": "notStarted",
        "isReminderOn": False,
        "categories": [],
        "body": {"content": "", "contentType": "text"},
        **doc,
    }
    expand = request.query.get("$expand", "").lower()
    item |= {name: thing.doc.get(name) or [] for name in _OF_A_TASK if name.lower() in expand}
    if "attachments" in expand:
        item["attachments"] = [thing_files.show(box, thing, file, contents=False) for file in files]
    return item


def show_list(request: Request, box: Mailbox, folder: Folder) -> Document:
    names = {"defaultlist": "defaultList", "flaggedemails": "flaggedEmails"}
    return {
        "@odata.etag": f'W/"{change_key(folder.seq)}"',
        "displayName": folder.name,
        "isOwner": True,
        "isShared": False,
        "wellknownListName": names.get(folder.well_known, "none"),
        "id": folder_id(box, folder.id),
    }


KIND = Kind("tasks", "microsoft.graph.todoTask", "todo/lists", "tasks", show, show_list)


# -- lists ---------------------------------------------------------------------------------------------------


def list_lists(request: Request, box: Mailbox) -> Response:
    found = rows.folders(request.cloud.db, box.id, KIND.word)
    return things.list_answer(request, box, [show_list(request, box, each) for each in found], "todo/lists")


def _one_list(request: Request, box: Mailbox, folder: Folder, status: int = 200) -> Response:
    where = things.context(request, box, "todo/lists/$entity")
    return Response({"@odata.context": where, **show_list(request, box, folder)}, status=status)


def get_list(request: Request, box: Mailbox, name: str) -> Response:
    return _one_list(request, box, find_folder(request, box, KIND, name))


def _name(request: Request) -> str:
    wanted = list_shape(request.json(), "todoTaskList").get("displayName")
    if not wanted:
        raise errors.bad_request("The list needs a displayName.", "invalidRequest")
    return str(wanted)


def create_list(request: Request, box: Mailbox) -> Response:
    """Two lists may have one name."""
    return _one_list(request, box, rows.add_folder(request.cloud.db, box.id, KIND.word, _name(request)), 201)


def _own_list(request: Request, box: Mailbox, name: str) -> Folder:
    folder = find_folder(request, box, KIND, name)
    if folder.well_known:
        raise errors.bad_request("Well-known lists cannot be changed.", "invalidRequest")
    return folder


def update_list(request: Request, box: Mailbox, name: str) -> Response:
    folder = _own_list(request, box, name)
    return _one_list(request, box, rows.change_folder(request.cloud.db, folder, name=_name(request)))


def delete_list(request: Request, box: Mailbox, name: str) -> Response:
    rows.remove_folder(request.cloud.db, _own_list(request, box, name))
    return no_content()


def list_delta(request: Request, box: Mailbox) -> Response:
    return things.folder_delta(request, box, KIND)


# -- tasks ---------------------------------------------------------------------------------------------------


def _task(request: Request, box: Mailbox, name: str, text_: str) -> Thing:
    """Only by the list that it is in."""
    folder, thing = find_folder(request, box, KIND, name), things.find(request, box, KIND, text_)
    if thing.folder != folder.id:
        raise errors.not_found()
    return thing


def list_tasks(request: Request, box: Mailbox, name: str) -> Response:
    folder = find_folder(request, box, KIND, name)
    where = f"todo/lists('{folder_id(box, folder.id)}')/tasks"
    return things.list_things(request, box, KIND, folder, where)


def task_delta(request: Request, box: Mailbox, name: str) -> Response:
    return things.thing_delta(request, box, KIND, find_folder(request, box, KIND, name))


def _one(request: Request, box: Mailbox, thing: Thing, status: int = 200) -> Response:
    return things.one_answer(request, box, KIND, thing, "todo/lists/tasks", status=status)


def get_task(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    return _one(request, box, _task(request, box, name, text_))


def _kept(request: Request, wanted: Document, before: Document) -> Document:
    """What a body sets. A rule needs a due date; being completed sets its day; dates lose their hours."""
    doc = {key: value for key, value in wanted.items() if "@" not in key and key != "extensions"}
    for name in ("createdDateTime", "lastModifiedDateTime"):
        doc.pop(name, None)
    doc = before | doc
    if doc.get("recurrence") and not doc.get("dueDateTime"):
        raise errors.bad_request("A recurring task needs a due date.", "invalidRequest")
    for name in ("dueDateTime", "startDateTime", "completedDateTime"):
        if doc.get(name):
            doc[name] = doc[name] | {"dateTime": f"{doc[name]['dateTime'][:10]}T00:00:00.0000000"}
    if doc.get("status") == "completed":
        today = f"{request.cloud.clock.stamp()[:10]}T00:00:00.0000000"
        doc["completedDateTime"] = doc.get("completedDateTime") or {"dateTime": today, "timeZone": "UTC"}
    else:
        doc.pop("completedDateTime", None)
    return {key: value for key, value in doc.items() if value is not None}


def create_task(request: Request, box: Mailbox, name: str) -> Response:
    folder, cloud = find_folder(request, box, KIND, name), request.cloud
    wanted = task_shape(request.json(), "todoTask")
    if not wanted.get("title"):
        raise errors.bad_request("The task needs a title.", "invalidRequest")
    usual = {"importance": "normal", "status": "notStarted", "isReminderOn": False}
    doc, now = _kept(request, wanted, usual), cloud.clock.stamp()
    for collection in _OF_A_TASK:
        doc[collection] = [_child(request, collection, each) for each in wanted.get(collection) or ()]
    with cloud.db.transaction():
        thing = rows.add(cloud.db, folder, doc, now, created=_seconds(wanted.get("createdDateTime")))
        for each in wanted.get("extensions") or ():
            kept = {key: value for key, value in each.items() if "@" not in key and key != "extensionName"}
            rows.set_extension(cloud.db, thing, str(each.get("extensionName")), kept, now)
    return _one(request, box, things.find(request, box, KIND, thing_id(box, thing.id)), 201)


def _seconds(moment_: str | None) -> str:
    return f"{moment_[:19]}Z" if moment_ else ""


def update_task(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    thing, cloud = _task(request, box, name, text_), request.cloud
    doc = _kept(request, task_shape(request.json(), "todoTask"), thing.doc)
    return _one(request, box, rows.change(cloud.db, thing, doc, cloud.clock.stamp()))


def delete_task(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    rows.remove(request.cloud.db, _task(request, box, name, text_))
    return no_content()


# -- checklist and links -------------------------------------------------------------------------------------


def _collection(request: Request) -> str:
    return next(name for name in _OF_A_TASK if f"/{name.lower()}" in request.path.lower())


def _child(request: Request, collection: str, wanted: Document) -> Document:
    doc = {key: value for key, value in wanted.items() if "@" not in key and value is not None}
    doc["id"] = str(uuid4())
    if collection == "checklistItems":
        doc = {"createdDateTime": request.cloud.clock.stamp(), "isChecked": False, **doc}
        if doc["isChecked"]:
            doc.setdefault("checkedDateTime", request.cloud.clock.stamp())
    return doc


def _checked(request: Request, collection: str) -> Document:
    shape = check_shape if collection == "checklistItems" else link_shape
    return dict(shape(request.json(), collection))


def _set_children(request: Request, thing: Thing, collection: str, children: list[Document]) -> None:
    rows.change(request.cloud.db, thing, thing.doc | {collection: children}, request.cloud.clock.stamp())


def list_children(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    collection = _collection(request)
    found = _task(request, box, name, text_).doc.get(collection) or []
    return things.list_answer(request, box, found, collection)


def create_child(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    thing, collection = _task(request, box, name, text_), _collection(request)
    child = _child(request, collection, _checked(request, collection))
    _set_children(request, thing, collection, [*(thing.doc.get(collection) or ()), child])
    where = things.context(request, box, f"{collection}/$entity")
    return Response({"@odata.context": where, **child}, status=201)


def update_child(request: Request, box: Mailbox, name: str, text_: str, child_id: str) -> Response:
    thing, collection = _task(request, box, name, text_), _collection(request)
    children = list(thing.doc.get(collection) or ())
    place = next((n for n, each in enumerate(children) if each["id"] == child_id), None)
    if place is None:
        raise errors.not_found()
    children[place] = children[place] | _checked(request, collection) | {"id": child_id}
    _set_children(request, thing, collection, children)
    where = things.context(request, box, f"{collection}/$entity")
    return Response({"@odata.context": where, **children[place]})


def delete_child(request: Request, box: Mailbox, name: str, text_: str, child_id: str) -> Response:
    thing, collection = _task(request, box, name, text_), _collection(request)
    children = [each for each in thing.doc.get(collection) or () if each["id"] != child_id]
    _set_children(request, thing, collection, children)
    return no_content()


# -- files and extensions ------------------------------------------------------------------------------------


def list_files(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    return thing_files.list_files(request, box, _task(request, box, name, text_), contents=False)


def add_file(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    wanted: dict[str, Any] = {"@odata.type": thing_files.TASK_FILE, **request.json()}
    return thing_files.add_file(request, box, _task(request, box, name, text_), wanted)


def get_file(request: Request, box: Mailbox, name: str, text_: str, file_id: str) -> Response:
    return thing_files.get_file(request, box, _task(request, box, name, text_), file_id)


def get_bytes(request: Request, box: Mailbox, name: str, text_: str, file_id: str) -> Response:
    return thing_files.get_bytes(request, box, _task(request, box, name, text_), file_id)


def delete_file(request: Request, box: Mailbox, name: str, text_: str, file_id: str) -> Response:
    return thing_files.delete_file(request, box, _task(request, box, name, text_), file_id)


def open_upload(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    folder = find_folder(request, box, KIND, name)
    return create_session(request, box, folder_id(box, folder.id), _task(request, box, name, text_))


def upload_range(request: Request, box: Mailbox, name: str, text_: str, session: str) -> Response:
    return put_range(request, box, _task(request, box, name, text_), session)


def list_extensions(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    return things.list_extensions(request, box, _task(request, box, name, text_))


def add_extension(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    return things.put_extension(request, box, _task(request, box, name, text_))


def get_extension(request: Request, box: Mailbox, name: str, text_: str, extension: str) -> Response:
    return things.get_extension(request, box, _task(request, box, name, text_), extension)


def update_extension(request: Request, box: Mailbox, name: str, text_: str, extension: str) -> Response:
    return things.put_extension(request, box, _task(request, box, name, text_), extension)


def delete_extension(request: Request, box: Mailbox, name: str, text_: str, extension: str) -> Response:
    return things.delete_extension(request, box, _task(request, box, name, text_), extension)


READ, WRITE = frozenset({"Tasks.Read.All", "Tasks.ReadWrite.All"}), frozenset({"Tasks.ReadWrite.All"})
_L = "/users/{user}/todo/lists"
_T = f"{_L}/{{list}}/tasks"
_O = f"{_T}/{{task}}"
_ADDRESSES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", _L, list_lists),
    ("POST", _L, create_list),
    ("GET", f"{_L}/delta", list_delta),
    ("GET", f"{_L}/{{list}}", get_list),
    ("PATCH", f"{_L}/{{list}}", update_list),
    ("DELETE", f"{_L}/{{list}}", delete_list),
    ("GET", _T, list_tasks),
    ("POST", _T, create_task),
    ("GET", f"{_T}/delta", task_delta),
    ("GET", _O, get_task),
    ("PATCH", _O, update_task),
    ("DELETE", _O, delete_task),
    ("GET", f"{_O}/attachments", list_files),
    ("POST", f"{_O}/attachments", add_file),
    ("POST", f"{_O}/attachments/createUploadSession", open_upload),
    ("GET", f"{_O}/attachments/{{file}}", get_file),
    ("DELETE", f"{_O}/attachments/{{file}}", delete_file),
    ("GET", f"{_O}/attachments/{{file}}/$value", get_bytes),
    ("PUT", f"{_O}/attachmentSessions/{{session}}/content", upload_range),
    ("GET", f"{_O}/extensions", list_extensions),
    ("POST", f"{_O}/extensions", add_extension),
    ("GET", f"{_O}/extensions/{{extension}}", get_extension),
    ("PATCH", f"{_O}/extensions/{{extension}}", update_extension),
    ("DELETE", f"{_O}/extensions/{{extension}}", delete_extension),
]
for _name_of in _OF_A_TASK:
    _ADDRESSES += [
        ("GET", f"{_O}/{_name_of}", list_children),
        ("POST", f"{_O}/{_name_of}", create_child),
        ("PATCH", f"{_O}/{_name_of}/{{child}}", update_child),
        ("DELETE", f"{_O}/{_name_of}/{{child}}", delete_child),
    ]
ROUTES = [
    Route(method, template, handler, READ if method == "GET" else WRITE, "mail")
    for method, template, handler in _ADDRESSES
]
