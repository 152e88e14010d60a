"""A rule, a category or a setting of a mailbox; and any document that no module here knows."""

from collections.abc import Iterator
from typing import Any

from .fields import Shown, files_of, map_of, person_of, text_of, time_words, words_of

_PARTS = (("conditions", "When"), ("exceptions", "Except when"), ("actions", "Then"))
_TITLES = ("displayName", "name", "subject")
# Rules name folders by ids; here the document says which.
_FOLDERS = "folderNames"
_REPLIES = (("internalReplyMessage", "To people inside"), ("externalReplyMessage", "To people outside"))
_APART = {*_TITLES, *(name for name, _ in _PARTS), _FOLDERS, "attachments"}
_LABELS = {
    "automaticRepliesSetting": "",
    "status": "Automatic replies",
    "externalAudience": "Answered outside",
    "scheduledStartDateTime": "From",
    "scheduledEndDateTime": "Until",
    "dateFormat": "Dates are written",
    "timeFormat": "Times are written",
    "daysOfWeek": "Days",
    "startTime": "Starts",
    "endTime": "Ends",
    "workingHours": "",
    "language": "",
    "displayName": "Language",
    "locale": "Language code",
    "name": "",
    "delegateMeetingMessageDeliveryOptions": "Meeting messages go to",
    "isEnabled": "Switched on",
    "sequence": "Place in the order",
    "color": "Colour",
}
"""What a setting is called where its own name would be clumsy; "" for what only groups others."""
_VALUES = {
    "disabled": "Off",
    "alwaysEnabled": "On",
    "scheduled": "On for a time",
    "none": "Nobody",
    "contactsOnly": "People in the contacts",
    "all": "Everybody",
    "sendToDelegateOnly": "The delegate only",
    "sendToDelegateAndPrincipal": "The delegate and the owner",
    "sendToDelegateAndInformationToPrincipal": "The delegate; the owner is told",
}
_COLOURS = (
    "Red", "Orange", "Brown", "Yellow", "Green", "Teal", "Olive", "Blue", "Purple", "Cranberry", "Steel",
    "Dark steel", "Grey", "Dark grey", "Black", "Dark red", "Dark orange", "Dark brown", "Dark yellow",
    "Dark green", "Dark teal", "Dark olive", "Dark blue", "Dark purple", "Dark cranberry",
)  # fmt: skip
_VALUES |= {f"preset{number}": colour for number, colour in enumerate(_COLOURS)}
_SAID = frozenset({"color", "status", "externalAudience", "delegateMeetingMessageDeliveryOptions"})
_CLOCK = frozenset({"startTime", "endTime"})
_DEEPEST = 4
_SAID_WHOLE = frozenset({"dateTime", "emailAddress"})


def show_setting(document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Return the fields of a setting in words; a rule as when, except and then."""
    shown = Shown(next((text for name in _TITLES if (text := text_of(document.get(name)))), ""))
    shown.fact("In short", text_of(props.get("summary")))
    replies = map_of(document.get("automaticRepliesSetting"))
    plain = {key: value for key, value in document.items() if key not in _APART}
    if replies:
        said = {name for name, _ in _REPLIES}
        plain["automaticRepliesSetting"] = {key: value for key, value in replies.items() if key not in said}
    folders = {key: text_of(value) for key, value in map_of(document.get(_FOLDERS)).items()}
    for label, value in _lines(plain, folders):
        shown.fact(label, value)
    for name, caption in _PARTS:
        shown.table(caption, ("What", "Which"), _lines(map_of(document.get(name)), folders))
    shown.html = "".join(
        f"<h3>{caption}</h3>{text}" for name, caption in _REPLIES if (text := text_of(replies.get(name)))
    )
    shown.files = files_of(document)
    return shown


def _lines(
    value: dict[str, Any], folders: dict[str, str], before: str = "", depth: int = 0
) -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        word = _LABELS.get(key, words_of(key))
        label = f"{before}{word}"
        if isinstance(each, dict) and not _SAID_WHOLE & set(each) and depth < _DEEPEST:
            yield from _lines(each, folders, f"{label}: " if word else before, depth + 1)
        elif said := _said(each):
            if key in _SAID:
                said = _VALUES.get(said, words_of(said))
            elif key in _CLOCK:
                said = said[:5]
            yield label.rstrip(": ") or words_of(key), folders.get(said) or said


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(said for each in value[:100] if (said := _said(each)))
    if isinstance(value, dict):
        return time_words(value) or person_of(value)
    return text_of(value)
