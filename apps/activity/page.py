"""A row of the activity or of the audit as a page or a file shows it."""

from dataclasses import dataclass
from typing import Any

from apps.core.templatetags.everkeep import filesize

from .chain import moment
from .models import Activity, ActivityStatus, SecurityEvent
from .registry import meaning_of, service_words
from .services import CONTENT

HEADER = ("Activity", "Date and time", "Service", "Sub-service", "Status", "Task name", "Item", "Performed by")
AUDIT_HEADER = (
    "Entry", "Date and time", "User activity", "Service", "Status", "Task", "Performed by", "Description",
    "Address", "Seal",
)  # fmt: skip


@dataclass(frozen=True)
class ActivityLine:
    """One line of either log; `look` is a word of the status vocabulary, or "" for what is only said in ink."""

    row: Activity | SecurityEvent
    words: str
    item: str
    service: str
    sub_service: str
    status: str
    look: str
    facts: list[tuple[str, str]]


def line_of(row: Activity | SecurityEvent, *, names: bool) -> ActivityLine:
    """Read a row with today's words; `names` says whether to name what lies in a mailbox."""
    meaning = meaning_of(row.code)
    sub_service = row.sub_service if isinstance(row, Activity) else ""
    return ActivityLine(
        row=row,
        words=meaning.words,
        item=_item(row, names=names),
        service=service_words(row.service) if row.service else "",
        sub_service=service_words(sub_service) if sub_service else "",
        status=row.get_status_display(),
        look=_look(row.status, outcome=meaning.is_outcome),
        facts=facts_of({key: value for key, value in row.details.items() if names or key != CONTENT}),
    )


def cells_of(row: Activity, *, names: bool) -> tuple[str, ...]:
    """The cells of a line in the exported file, in the order of HEADER; times are UTC."""
    line = line_of(row, names=names)
    at = row.at.strftime("%Y-%m-%d %H:%M:%S")
    return (
        line.words,
        at,
        line.service,
        line.sub_service,
        line.status,
        row.task_label,
        line.item,
        row.actor_label,
    )


def audit_cells_of(row: SecurityEvent) -> tuple[object, ...]:
    """The cells of an entry in the exported file, in the order of AUDIT_HEADER; times are UTC."""
    line = line_of(row, names=False)
    return (
        row.sequence,
        moment(row.at),
        line.words,
        line.service,
        line.status,
        row.task_label,
        row.actor_label,
        row.description,
        row.address,
        row.seal,
    )


def facts_of(details: dict[str, Any]) -> list[tuple[str, str]]:
    """What the row's pop-up says (features ACT-02): every detail that is a word or a number."""
    return [
        (_TERMS.get(key) or key.replace("_", " ").capitalize(), _said(key, value))
        for key, value in details.items()
        if isinstance(value, str | int | float) and value != ""
    ]


_TERMS = {"seconds": "Took", "bytes": "Size", "done": "Done", "skipped": "Skipped", "failed": "Failed"}


def _item(row: Activity | SecurityEvent, *, names: bool) -> str:
    if isinstance(row, SecurityEvent):
        return row.description
    inside = row.details.get(CONTENT)
    return f"{row.item_label}: {inside}" if inside and names else row.item_label


def _look(status: str, *, outcome: bool) -> str:
    """Green is spoken for: only the good end of a backup, restore or export is "Success"."""
    if status == ActivityStatus.DONE:
        return "success" if outcome else ""
    return "" if status == ActivityStatus.STARTED else status


def _said(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        return value
    if key == "seconds":
        return duration_words(value)
    return filesize(value) if key == "bytes" else f"{value:,}"


def duration_words(seconds: float) -> str:
    """4000 → "1 h 6 min"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
