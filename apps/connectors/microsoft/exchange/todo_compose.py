"""From a task's document to what Graph creates a task of, and what reads other than written."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .item_document import list_of, text_of

_FIELDS: Final = {
    "title": "Title", "status": "State", "importance": "Importance", "isReminderOn": "Reminder",
    "reminderDateTime": "Time of the reminder", "dueDateTime": "Due date", "startDateTime": "Start date",
    "completedDateTime": "Day of completion", "categories": "Categories", "recurrence": "Repetition",
}  # fmt: skip
_MOMENTS: Final = {"reminderDateTime", "dueDateTime", "startDateTime", "completedDateTime"}
_LINK: Final = ("webUrl", "applicationName", "displayName", "externalId")
_STEP: Final = ("displayName", "isChecked", "createdDateTime", "checkedDateTime")
_READ_ONLY: Final = frozenset(
    {"createdDateTime", "lastModifiedDateTime", "bodyLastModifiedDateTime", "hasAttachments", "attachments",
     "checklistItems", "linkedResources", "body"}
)  # fmt: skip

Document = Mapping[str, Any]


def compose_task(
    document: Document, *, name: str = "", tags: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return the body of the creating request, and in words what of the task it cannot carry."""
    body = {key: document[key] for key in _FIELDS if document.get(key) not in (None, "", [], {})}
    body["title"] = text_of(document.get("title")) or name or "Task without a title"
    text = document.get("body")
    if isinstance(text, Mapping) and text.get("content"):
        body["body"] = {"contentType": text.get("contentType") or "text", "content": text["content"]}
    if isinstance(document.get("createdDateTime"), str):
        body["createdDateTime"] = document["createdDateTime"]
    if tags:
        given = list_of(body.get("categories"))
        body["categories"] = [*given, *(tag for tag in tags if tag not in given)]
    if links := [_only(each, _LINK) for each in maps(document.get("linkedResources"))]:
        body["linkedResources"] = links
    lost = [
        f"{key}: Microsoft lets nobody set it."
        for key in sorted(document.keys() - _FIELDS.keys() - _READ_ONLY)
        if document[key]
    ]
    rule = document.get("recurrence")
    if isinstance(rule, Mapping) and not document.get("dueDateTime"):
        body.pop("recurrence")
        lost.append("The repetition: Microsoft takes none without a due date.")
    return body, lost


def steps_of(document: Document) -> list[dict[str, Any]]:
    """Return the checklist as it is created, in its order."""
    return [_only(each, _STEP) for each in maps(document.get("checklistItems"))]


def task_faults(written: Document, document: Document, there: Document) -> list[str]:
    """Name what reads other than it was written. `there` has the checklist and the links."""
    faults = []
    for key, word in _FIELDS.items():
        if key in written and _comparable(key, written[key]) != _comparable(key, there.get(key)):
            faults.append(word)
    if _text(written) != _text(there):
        faults.append("Notes")
    if _steps(document) != _steps(there):
        faults.append("Checklist")
    if [_only(each, _LINK) for each in maps(document.get("linkedResources"))] != [
        _only(each, _LINK) for each in maps(there.get("linkedResources"))
    ]:
        faults.append("Links")
    return faults


def maps(value: Any) -> list[dict[str, Any]]:
    return [each for each in list_of(value) if isinstance(each, dict)]


def _only(entry: Document, names: Sequence[str]) -> dict[str, Any]:
    return {name: entry[name] for name in names if entry.get(name) is not None}


def _comparable(key: str, value: Any) -> Any:
    if key in _MOMENTS and isinstance(value, Mapping):
        return text_of(value.get("dateTime"))[:19], value.get("timeZone")
    if key == "recurrence" and isinstance(value, Mapping):
        return _without_nothing(value)
    return value or None


def _without_nothing(value: Any) -> Any:
    """Graph fills a rule with noughts and first days of the year for what it does not use."""
    if isinstance(value, Mapping):
        return {
            key: _without_nothing(each)
            for key, each in value.items()
            if each not in (None, 0, "", "0001-01-01") and key not in ("index", "firstDayOfWeek") and each != []
        }
    return value


def _text(document: Document) -> str:
    """Compare words, not layout: Exchange rewrites HTML."""
    text = document.get("body")
    content = text_of(text.get("content")) if isinstance(text, Mapping) else ""
    is_html = isinstance(text, Mapping) and str(text.get("contentType")).lower() == "html"
    return "html" if is_html and content.strip() else " ".join(content.split())


def _steps(document: Document) -> list[tuple[str, bool]]:
    steps = maps(document.get("checklistItems"))
    return sorted((text_of(each.get("displayName")), each.get("isChecked") is True) for each in steps)
