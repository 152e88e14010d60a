"""A task with its steps."""

from typing import Any

from .fields import Shown, day_words, files_of, map_of, maps_of, text_of, texts_of, time_words, words_of

_DONE = ("Open", "Done")
_LINK = ("displayName", "applicationName", "webUrl")


def show_task(document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Return the task with its checklist and what it is linked to."""
    shown = Shown(text_of(document.get("title")))
    shown.fact("Status", words_of(document.get("status")))
    shown.fact("Due", day_words(document.get("dueDateTime")))
    shown.fact("Start", day_words(document.get("startDateTime")))
    shown.fact("Completed", day_words(document.get("completedDateTime")))
    importance = text_of(document.get("importance"))
    shown.fact("Importance", "" if importance == "normal" else words_of(importance))
    reminder = document.get("isReminderOn") is True
    shown.fact("Reminder", time_words(document.get("reminderDateTime")) if reminder else "")
    shown.fact("Repeats", text_of(props.get("recurrence")) or _repeats(document))
    shown.fact("Categories", ", ".join(texts_of(document.get("categories"))))
    steps = maps_of(document.get("checklistItems"))
    shown.table(
        "Steps",
        ("Step", "State"),
        (
            (text_of(each.get("displayName")), "Done" if each.get("isChecked") is True else "Open")
            for each in steps
        ),
    )
    links = maps_of(document.get("linkedResources"))
    shown.table(
        "Linked to",
        ("Name", "Program", "Address"),
        (
            tuple(text_of(each.get(key)) for key in ("displayName", "applicationName", "webUrl"))
            for each in links
        ),
    )
    shown.body(document.get("body"))
    shown.files = files_of(document)
    return shown


def _repeats(document: dict[str, Any]) -> str:
    pattern = map_of(map_of(document.get("recurrence")).get("pattern"))
    return words_of(pattern.get("type"))
