"""What a mailbox is set to: settings, rules of the inbox, categories."""

from typing import Any

from ..state import things as rows
from ..state.directory import User
from ..state.mailboxes import Mailbox, mailbox_of
from ..state.things import Folder, Thing
from . import errors, things
from .folders import find as find_mail_folder
from .request import Request, Response, no_content
from .router import Route
from .shape import Check, checked_object, flag, number, of_type, one_of, text
from .things import Document, Kind, find, folder_id, thing_id

_RULE: dict[str, Check] = {
    "displayName": text,
    "sequence": number,
    "isEnabled": flag,
    "isReadOnly": flag,
    "hasError": flag,
    **dict.fromkeys(("conditions", "actions", "exceptions"), of_type(dict)),
}
rule_shape = checked_object("messageRule", _RULE)
category_shape = checked_object(
    "outlookCategory",
    {"displayName": text, "color": one_of("none", *(f"preset{n}" for n in range(25)))},
)
_SETTABLE = (
    "automaticRepliesSetting", "dateFormat", "delegateMeetingMessageDeliveryOptions", "language", "timeFormat",
    "timeZone", "workingHours",
)  # fmt: skip


def _show_rule(request: Request, box: Mailbox, thing: Thing) -> Document:
    own = {"isEnabled": True, "isReadOnly": False, "hasError": False, "sequence": thing.id}
    return {"id": thing_id(box, thing.id), **own, **thing.doc}


def _show_category(request: Request, box: Mailbox, thing: Thing) -> Document:
    return {"id": thing_id(box, thing.id), "color": "none", **thing.doc}


def _show_folder(request: Request, box: Mailbox, folder: Folder) -> Document:
    return {"id": folder_id(box, folder.id)}


RULES = Kind("rules", "microsoft.graph.messageRule", "mailFolders", "messageRules", _show_rule, _show_folder)
CATEGORIES = Kind(
    "categories", "microsoft.graph.outlookCategory", "outlook", "masterCategories", _show_category, _show_folder
)


# -- rules ---------------------------------------------------------------------------------------------------


def _inbox(request: Request, box: Mailbox, name: str) -> Folder:
    """Rules are those of the inbox, by whatever name it is addressed."""
    folder = find_mail_folder(request, box, name)
    if folder.well_known != "inbox":
        raise errors.bad_request("Rules are only supported in the Inbox folder.", "ErrorInvalidRequest")
    return things.default_folder(request, box, RULES, "inboxrules")


def list_rules(request: Request, box: Mailbox, name: str) -> Response:
    folder = _inbox(request, box, name)
    return things.list_things(request, box, RULES, folder, "mailFolders('inbox')/messageRules")


def _rule(request: Request, box: Mailbox, thing: Thing, status: int = 200) -> Response:
    return things.one_answer(request, box, RULES, thing, "mailFolders('inbox')/messageRules", status=status)


def get_rule(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    _inbox(request, box, name)
    return _rule(request, box, find(request, box, RULES, text_))


def create_rule(request: Request, box: Mailbox, name: str) -> Response:
    folder, wanted = _inbox(request, box, name), rule_shape(request.json(), "messageRule")
    if not wanted.get("displayName") or not wanted.get("actions") or not wanted.get("sequence"):
        raise errors.bad_request("A rule needs displayName, sequence and actions.", "ErrorInvalidRequest")
    for action in ("moveToFolder", "copyToFolder"):
        target = wanted["actions"].get(action)
        if target and not _is_folder(request, box, target):
            raise errors.bad_request("The folder of the rule was not found.", "ErrorInvalidIdMalformed")
    thing = rows.add(request.cloud.db, folder, wanted, request.cloud.clock.stamp())
    return _rule(request, box, thing, 201)


def _is_folder(request: Request, box: Mailbox, text_: str) -> bool:
    try:
        find_mail_folder(request, box, text_)
    except errors.GraphError:
        return False
    return True


def update_rule(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    _inbox(request, box, name)
    thing, wanted = find(request, box, RULES, text_), rule_shape(request.json(), "messageRule")
    changed = rows.change(request.cloud.db, thing, thing.doc | wanted, request.cloud.clock.stamp())
    return _rule(request, box, changed)


def delete_rule(request: Request, box: Mailbox, name: str, text_: str) -> Response:
    _inbox(request, box, name)
    rows.remove(request.cloud.db, find(request, box, RULES, text_))
    return no_content()


# -- categories ----------------------------------------------------------------------------------------------


def _category_folder(request: Request, box: Mailbox) -> Folder:
    return things.default_folder(request, box, CATEGORIES, "categories")


def list_categories(request: Request, box: Mailbox) -> Response:
    folder = _category_folder(request, box)
    return things.list_things(request, box, CATEGORIES, folder, "outlook/masterCategories")


def _category(request: Request, box: Mailbox, thing: Thing, status: int = 200) -> Response:
    return things.one_answer(request, box, CATEGORIES, thing, "outlook/masterCategories", status=status)


def get_category(request: Request, box: Mailbox, text_: str) -> Response:
    return _category(request, box, find(request, box, CATEGORIES, text_))


def create_category(request: Request, box: Mailbox) -> Response:
    folder, wanted = _category_folder(request, box), category_shape(request.json(), "outlookCategory")
    name = wanted.get("displayName")
    if not name:
        raise errors.bad_request("A category needs a displayName.", "ErrorInvalidRequest")
    known = (each.doc["displayName"].casefold() for each in rows.listed(request.cloud.db, folder))
    if name.casefold() in known:
        raise errors.GraphError(409, "CategoryNameDuplicate", "The category exists already.")
    thing = rows.add(request.cloud.db, folder, wanted, request.cloud.clock.stamp())
    return _category(request, box, thing, 201)


def update_category(request: Request, box: Mailbox, text_: str) -> Response:
    thing, wanted = find(request, box, CATEGORIES, text_), category_shape(request.json(), "outlookCategory")
    if "displayName" in wanted:
        raise errors.bad_request("The name of a category cannot be changed.", "ErrorInvalidRequest")
    changed = rows.change(request.cloud.db, thing, thing.doc | wanted, request.cloud.clock.stamp())
    return _category(request, box, changed)


def delete_category(request: Request, box: Mailbox, text_: str) -> Response:
    rows.remove(request.cloud.db, find(request, box, CATEGORIES, text_))
    return no_content()


# -- settings ------------------------------------------------------------------------------------------------


def settings_of(request: Request, box: Mailbox) -> Document:
    """What the mailbox came with, and what was set since."""
    came_with: Document = {
        "archiveFolder": None,
        "timeZone": "GMT Standard Time",
        "dateFormat": "dd/MM/yyyy",
        "timeFormat": "HH:mm",
        "userPurpose": box.purpose,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "language": {"locale": box.language, "displayName": box.language},
        "automaticRepliesSetting": {
            "status": "disabled",
            "externalAudience": "all",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
        },
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": "GMT Standard Time"},
        },
    }
    kept = _kept_settings(request, box)
    return came_with | (kept.doc if kept else {})


def _kept_settings(request: Request, box: Mailbox) -> Thing | None:
    return next(iter(rows.every(request.cloud.db, box.id, "settings")), None)


def _box(request: Request, user: User) -> Mailbox:
    box = mailbox_of(request.cloud.db, user.id)
    if box is None:
        raise errors.no_mailbox()
    return box


def get_settings(request: Request, user: User) -> Response:
    settings = settings_of(request, _box(request, user))
    context = f"{request.base_url}/v1.0/$metadata#users('{user.id}')/mailboxSettings"
    if "$select" in request.query:
        wanted = {name.strip().lower() for name in request.query["$select"].split(",")}
        settings = {key: value for key, value in settings.items() if key.lower() in wanted}
    return Response({"@odata.context": context, **settings})


def get_setting(request: Request, user: User, name: str) -> Response:
    whole: Any = get_settings(request, user).payload
    found = next((key for key in whole if key.lower() == name.lower()), None)
    if found is None:
        raise errors.bad_request(f"Resource not found for the segment '{name}'.")
    return Response({"@odata.context": f"{whole['@odata.context']}/{found}", "value": whole[found]})


def change_settings(request: Request, user: User) -> Response:
    box, db, now = _box(request, user), request.cloud.db, request.cloud.clock.stamp()
    wanted = {key: value for key, value in request.json().items() if "@" not in key}
    unknown = set(wanted) - set(_SETTABLE)
    if unknown:
        raise errors.bad_request(f"The property '{min(unknown)}' cannot be set.", "ErrorInvalidRequest")
    kept = _kept_settings(request, box)
    if kept is None:
        folder = rows.folder_by_well_known(db, box.id, "settings", "settings")
        assert folder is not None
        rows.add(db, folder, wanted, now)
    else:
        rows.change(db, kept, kept.doc | wanted, now)
    return get_settings(request, user)


READ = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
WRITE = frozenset({"MailboxSettings.ReadWrite"})
_S, _C = "/users/{user}/mailboxSettings", "/users/{user}/outlook/masterCategories"
_R = "/users/{user}/mailFolders/{folder}/messageRules"
ROUTES = [
    Route("GET", _S, get_settings, READ, "user"),
    Route("GET", f"{_S}/{{name}}", get_setting, READ, "user"),
    Route("PATCH", _S, change_settings, WRITE, "user"),
    *(
        Route(method, template, handler, READ if method == "GET" else WRITE, "mail")
        for method, template, handler in (
            ("GET", _R, list_rules),
            ("POST", _R, create_rule),
            ("GET", f"{_R}/{{rule}}", get_rule),
            ("PATCH", f"{_R}/{{rule}}", update_rule),
            ("DELETE", f"{_R}/{{rule}}", delete_rule),
            ("GET", _C, list_categories),
            ("POST", _C, create_category),
            ("GET", f"{_C}/{{category}}", get_category),
            ("PATCH", f"{_C}/{{category}}", update_category),
            ("DELETE", f"{_C}/{{category}}", delete_category),
        )
    ),
]
