"""Fields of documents as words. Nothing here trusts a field to be there, or to be what it should be."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.connectors.documents import PART

MOST_ROWS = 200
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a caption; the first cell of a row names it. `left_out` rows are not shown."""

    caption: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class File:
    """One attachment. `part` is its place among the stored ones, None when its bytes are not kept."""

    name: str
    size: int
    part: int | None
    content_type: str = ""
    content_id: str = ""
    is_inline: bool = False


@dataclass(slots=True)
class Shown:
    """An item in words: facts, tables, a text (`html` is not cleaned yet), its files."""

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    text: str = ""
    html: str = ""
    files: list[File] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fact(self, label: str, value: str) -> None:
        """Add a fact unless there is nothing to say."""
        if value:
            self.facts.append((label, value))

    def table(self, caption: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """Add a table unless it is empty."""
        found = list(rows)
        if found:
            shown = found[:MOST_ROWS]
            self.tables.append(Table(caption, head, shown, len(found) - len(shown)))

    def body(self, value: Any) -> None:
        """Take over Graph's `{"contentType", "content"}`."""
        content = text_of(map_of(value).get("content"))
        if text_of(map_of(value).get("contentType")).lower() == "html":
            self.html = content
        else:
            self.text = content


def text_of(value: Any) -> str:
    """Return text, and numbers as text; "" for all else."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def map_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def maps_of(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts_of(value: Any) -> list[str]:
    return [text for each in value if (text := text_of(each))] if isinstance(value, list) else []


def words_of(value: Any) -> str:
    """Turn a name of the provider's into words: "inProgress" to "In progress"."""
    spaced = _WORD.sub(" ", text_of(value)).replace("_", " ")
    return spaced[:1].upper() + spaced[1:].lower()


def person_of(value: Any) -> str:
    """Write Graph's recipient as "Name <address>"."""
    found = map_of(map_of(value).get("emailAddress")) or map_of(value)
    name, address = text_of(found.get("name")), text_of(found.get("address"))
    return f"{name} <{address}>" if name and address and name != address else name or address


def moment_of(value: Any) -> datetime | None:
    """Read an ISO moment or Graph's `{"dateTime", "timeZone"}`; naive when its zone is not UTC."""
    zone = text_of(map_of(value).get("timeZone")) if isinstance(value, dict) else "UTC"
    text = text_of(map_of(value).get("dateTime")) if isinstance(value, dict) else text_of(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC) if zone in ("UTC", "") else moment


def time_words(value: Any) -> str:
    """Say a moment: "14 Nov 2026, 13:28" in the reader's zone, or in its own with the name of that."""
    moment = value if isinstance(value, datetime) else moment_of(value)
    if moment is None:
        return ""
    if moment.tzinfo is None:
        return f"{moment.day} {moment:%b %Y, %H:%M} ({text_of(map_of(value).get('timeZone'))})"
    try:
        local = timezone.localtime(moment)
    except OverflowError:  # the year 1 or 9999: any zone but its own is beyond the calendar
        local = moment
    return f"{local.day} {local:%b %Y, %H:%M}"


def day_words(value: Any) -> str:
    """Say the day of a moment."""
    moment = moment_of(value)
    return date_words(moment.date()) if moment else ""


def date_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def whole_day(moment: datetime) -> date:
    """Return the day that an all-day event starts at: it starts at midnight somewhere on Earth."""
    try:
        return (moment + timedelta(hours=12)).date() if moment.time() != datetime.min.time() else moment.date()
    except OverflowError:
        return moment.date()


def last_day(end: datetime) -> date:
    """Return the last day of an all-day event: it ends with the start of the day after."""
    day = whole_day(end)
    return day - timedelta(days=1) if day > date.min else day


def span_words(start: Any, end: Any, *, all_day: bool) -> str:
    """Say from when to when; the end of an all-day event is the day after its last."""
    first, last = moment_of(start), moment_of(end)
    if first is None:
        return ""
    if not all_day:
        return f"{time_words(start)} to {time_words(end)}" if last else time_words(start)
    begin = whole_day(first)
    final = last_day(last) if last else begin
    said = date_words(begin)
    return f"{said} to {date_words(final)}, all day" if final > begin else f"{said}, all day"


def files_of(document: dict[str, Any]) -> list[File]:
    """Return the attachments of a document, and of the exceptions of a series."""
    found = [_file(entry) for entry in maps_of(document.get("attachments"))]
    for exception in maps_of(document.get("exceptionOccurrences")):
        found += [_file(entry) for entry in maps_of(exception.get("attachments"))]
    return found


def _file(entry: dict[str, Any]) -> File:
    part, size = entry.get(PART), entry.get("size")
    return File(
        name=text_of(entry.get("name")) or "Attachment",
        size=size if isinstance(size, int) else 0,
        part=part if isinstance(part, int) and not isinstance(part, bool) and part >= 0 else None,
        content_type=text_of(entry.get("contentType")),
        content_id=text_of(entry.get("contentId")).strip("<>"),
        is_inline=entry.get("isInline") is True,
    )
