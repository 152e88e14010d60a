"""A rule, a category or a setting of a mailbox; and any document that no module here knows."""

from collections.abc import Iterator
from typing import Any

from .fields import Shown, files_of, map_of, person_of, text_of, time_words, words_of

_PARTS = (("conditions", "When"), ("exceptions", "Except when"), ("actions", "Then"))
_NAMES = ("displayName", "name", "subject")
_DEEPEST = 4
_SAID_WHOLE = frozenset({"dateTime", "emailAddress"})


def show_setting(document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Return the fields of a setting in words; a rule as when, except and then."""
    title = next((text for name in _NAMES if (text := text_of(document.get(name)))), "")
    shown = Shown(title)
    shown.fact("In short", text_of(props.get("summary")))
    apart = {name for name, _ in _PARTS} | {"attachments"} | set(_NAMES)
    for label, value in _lines({key: value for key, value in document.items() if key not in apart}):
        shown.fact(label, value)
    for name, caption in _PARTS:
        shown.table(caption, ("What", "Which"), _lines(map_of(document.get(name))))
    shown.files = files_of(document)
    return shown


def _lines(value: dict[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        label = f"{before}{words_of(key)}"
        if (
            isinstance(each, dict)
            and "dateTime" not in each
            and "emailAddress" not in each
            and depth < _DEEPEST
        ):
            yield from _lines(each, f"{label}: ", depth + 1)
        elif said := _said(each):
            yield label, said


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(said for each in value[:100] if (said := _said(each)))
    if isinstance(value, dict):
        return time_words(value) or person_of(value)
    return text_of(value)
