"""To Do tasks as VTODO (RFC 5545) and as rows of a table."""

from datetime import UTC, date, datetime
from typing import Any

from icalendar import Component, Todo, vUri

from .events import add_alarm, add_file, in_calendar
from .item import Item, line_of, map_of, maps_of, texts_of
from .moments import day_after, day_of, known_zone, utc_of, zoned
from .plain_text import body_text
from .recurrence import rule_of

COLUMNS = (
    "Subject",
    "Status",
    "Due date",
    "Start date",
    "Completed",
    "Importance",
    "Categories",
    "Checklist",
    "Notes",
)
_STATES = {"completed": "COMPLETED", "inprogress": "IN-PROCESS"}
_WORDS = {
    "notstarted": "Not started", "inprogress": "In progress", "completed": "Completed",
    "waitingonothers": "Waiting on others", "deferred": "Deferred",
}  # fmt: skip
_PRIORITY = {"low": 9, "normal": 5, "high": 1}


def write_task(item: Item) -> bytes:
    """Return a calendar of one task."""
    return in_calendar(task_components(item))


def task_components(item: Item) -> list[Component]:
    """Return the task. Raises NotConvertible."""
    document = item.document
    todo = Todo()
    todo.add("uid", line_of(document.get("id")) or item.key)
    todo.add("summary", line_of(document.get("title")))
    changed = utc_of(document, "lastModifiedDateTime")
    todo.add("dtstamp", changed or datetime(1970, 1, 1, tzinfo=UTC))
    for name, key in (("created", "createdDateTime"), ("last-modified", "lastModifiedDateTime")):
        if moment := utc_of(document, key):
            todo.add(name, moment)
    _add_days(todo, document)
    if text := _words(document):
        todo.add("description", text)
    if categories := texts_of(document.get("categories")):
        todo.add("categories", categories)
    state = _state(document)
    todo.add("status", _STATES.get(state, "NEEDS-ACTION"))
    todo.add("priority", _PRIORITY.get(str(document.get("importance", "")).lower(), 5))
    done = zoned(document.get("completedDateTime"))
    if state == "completed":
        todo.add("percent-complete", 100)
        if done is not None:
            todo.add("completed", done.astimezone(UTC))
    for link in maps_of(document.get("linkedResources")):
        if url := line_of(link.get("webUrl")):
            todo.add("attach", vUri(url), encode=False)
    reminder = zoned(document.get("reminderDateTime"))
    if document.get("isReminderOn") is True and reminder is not None:
        add_alarm(todo, reminder.astimezone(UTC))
    for file in item.files:
        add_file(todo, file)
    return [todo]


def task_row(item: Item) -> list[str]:
    """Return the task as a row of COLUMNS."""
    document = item.document
    return [
        line_of(document.get("title")),
        _WORDS.get(_state(document), line_of(document.get("status"))),
        _day(document, "dueDateTime"),
        _day(document, "startDateTime"),
        _day(document, "completedDateTime"),
        line_of(document.get("importance")),
        ", ".join(texts_of(document.get("categories"))),
        "\n".join(_checklist(document)),
        body_text(document.get("body")),
    ]


def _add_days(todo: Todo, document: dict[str, Any]) -> None:
    """Days without hours, as To Do shows them. A rule counts from the start, so it needs one."""
    start, due = day_of(document.get("startDateTime")), day_of(document.get("dueDateTime"))
    zone = known_zone(map_of(document.get("dueDateTime")).get("timeZone"))
    rule = rule_of(document.get("recurrence"), zone, all_day=True)
    if rule is not None and start is None and due is not None:
        start = due
    if rule is not None and start is not None:
        todo.add("rrule", rule)
    if start is not None and (due is None or start < due):
        todo.add("dtstart", start)
    elif start is not None and due is not None and rule is not None:
        todo.add("dtstart", due)
        due = day_after(due)  # RFC 5545: after the start; the day named is the last one of a span
    if due is not None:
        todo.add("due", due)


def _words(document: dict[str, Any]) -> str:
    links = [line_of(link.get("displayName")) for link in maps_of(document.get("linkedResources"))]
    parts = [body_text(document.get("body")), "\n".join(_checklist(document)), "\n".join(filter(None, links))]
    return "\n\n".join(filter(None, parts))


def _checklist(document: dict[str, Any]) -> list[str]:
    items = maps_of(document.get("checklistItems"))
    return [
        f"[{'x' if item.get('isChecked') is True else ' '}] {line_of(item.get('displayName'))}"
        for item in items
    ]


def _state(document: dict[str, Any]) -> str:
    return str(document.get("status", "")).lower()


def _day(document: dict[str, Any], name: str) -> str:
    found: date | None = day_of(document.get(name))
    return found.isoformat() if found else ""
