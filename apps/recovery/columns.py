"""What the list of a kind of data shows of an item: cells out of its row and its props, never its content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.backups.selectors.browse import Node
from apps.connectors.documents import props_of
from apps.connectors.enums import SubService
from apps.core.errors import Malformed
from apps.core.permissions import Permission, allowed

from .kinds import Kind
from .shown.fields import date_words, day_words, last_day, moment_of, text_of, time_words, whole_day, words_of


@dataclass(frozen=True, slots=True)
class Cells:
    """One item in a list: a value for each column after the first; `marks` are icons with words."""

    name: str
    values: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, str], ...] = ()


_Props = dict[str, Any]


def cells_of(kind: Kind, node: Node, props: bytes) -> Cells:
    """Return the cells of an item; what its props do not tell is empty."""
    said = _read(props)
    values = _VALUES[kind.sub_service](node, said) if kind.sub_service in _VALUES else ()
    labelled = tuple(zip(kind.columns[1:], values, strict=False))
    return Cells(node.name or kind.unnamed, labelled, _marks(node, said))


def _read(props: bytes) -> _Props:
    """A list must open even when what is kept beside one of its items is damaged: its preview tells of it."""
    try:
        return props_of(props)
    except Malformed:
        return {}


def _marks(node: Node, props: _Props) -> tuple[tuple[str, str], ...]:
    found = []
    if node.has_attachments:
        found.append(("clip", "With attachment"))
    if props.get("type") == "seriesMaster" or props.get("recurrence"):
        found.append(("refresh", text_of(props.get("recurrence")) or "Series"))
    if props.get("isCancelled") is True:
        found.append(("x", "Cancelled"))
    return tuple(found)


def _contact(node: Node, props: _Props) -> tuple[str, ...]:
    company = text_of(props.get("company")) or node.recipients
    return (
        text_of(props.get("email")) or node.author,
        *(text_of(props.get(name)) for name in ("phone", "address", "jobTitle")),
        company,
    )


def _event(node: Node, props: _Props) -> tuple[str, ...]:
    start, end = moment_of(props.get("start")), moment_of(props.get("end"))
    if props.get("isAllDay") is True and start and end:
        first, last = whole_day(start), last_day(end)
        times = date_words(first), date_words(max(first, last))
    else:
        times = time_words(start or node.time), time_words(end)
    return *times, text_of(props.get("location")), node.author


def _task(node: Node, props: _Props) -> tuple[str, ...]:
    status, due = props.get("status"), props.get("due")
    return words_of(status), day_words(due), text_of(props.get("checklist"))


def _note(node: Node, props: _Props) -> tuple[str, ...]:
    return time_words(node.time), _inside(props.get("preview"))


def _setting(node: Node, props: _Props) -> tuple[str, ...]:
    return words_of(props.get("type")), _inside(props.get("summary"))


def _inside(value: Any) -> str:
    """What an item says inside is for who may open it; a list is for who may name it."""
    return text_of(value) if allowed(Permission.PREVIEW) else ""


_VALUES: Mapping[str, Callable[[Node, _Props], tuple[str, ...]]] = {
    SubService.CALENDARS: _event,
    SubService.CONTACTS: _contact,
    SubService.TASKS: _task,
    SubService.NOTES: _note,
    SubService.SETTINGS: _setting,
}
