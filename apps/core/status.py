"""The status vocabulary: one word, one icon, one tone, nowhere else.

Green (`good`) is spoken for: all that should be in the backup is in it, it is recent, and every gap is
acknowledged. Connected, saved, paid or sent are ink.
"""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "part", "bad", "run", "arch", "line", ""]


@dataclass(frozen=True)
class StatusLook:
    """How one status is said and drawn. `tone` "" is grey, "line" an outline."""

    word: str
    icon: str
    tone: Tone


LOOKS: dict[str, StatusLook] = {
    "success": StatusLook("Success", "good", "good"),
    "partial": StatusLook("Partial", "part", "part"),
    "failed": StatusLook("Failed", "bad", "bad"),
    "overdue": StatusLook("Overdue", "late", "part"),
    "in_progress": StatusLook("In progress", "run", "run"),
    "waiting": StatusLook("Waiting", "late", "run"),
    "scheduled": StatusLook("Scheduled", "clock", ""),
    "pending": StatusLook("Pending", "clock", ""),
    "paused": StatusLook("Paused", "pause", ""),
    "archived": StatusLook("Archived", "box", "arch"),
    "not_active": StatusLook("Not active", "off", "line"),
    "deleting": StatusLook("Being deleted", "trash", "bad"),
    "in_another_task": StatusLook("In another task", "link", "line"),
    "never_backed_up": StatusLook("Never backed up", "off", "line"),
    "cancelled": StatusLook("Cancelled", "x", ""),
    "stopped": StatusLook("Stopped", "clock", ""),
    "refused": StatusLook("Refused", "lock", ""),
    "delivered": StatusLook("Delivered", "check", ""),
    "due": StatusLook("Due", "clock", ""),
    "paid": StatusLook("Paid", "check", ""),
    "void": StatusLook("Void", "x", ""),
    "given_up": StatusLook("Given up", "x", ""),
    "connected": StatusLook("Connected", "plug", ""),
    "disconnected": StatusLook("Disconnected", "unplug", "bad"),
    "acknowledged": StatusLook("Acknowledged", "check", ""),
    "not_reachable": StatusLook("Not reachable", "off", "line"),
    "excluded": StatusLook("Excluded by rule", "filter", "line"),
    "critical": StatusLook("Critical", "bad", "bad"),
    "warning": StatusLook("Warning", "warn", "part"),
    "notice": StatusLook("Notice", "info", ""),
    "over": StatusLook("Over", "check", ""),
    "limited_access": StatusLook("Limited access", "lock", "line"),
}


# Enum values of the apps that say one of these words under another name.
ALIASES = {"running": "in_progress", "succeeded": "success"}


def look_of(status: str) -> StatusLook:
    """Return the look of a status; an enum value and its words ("In progress") both work.

    Raises LookupError for a status outside the vocabulary: a page must not invent one.
    """
    key = str(status).strip().lower().replace(" ", "_").replace("-", "_")
    try:
        return LOOKS[ALIASES.get(key, key)]
    except KeyError:
        raise LookupError(f"“{status}” is no status word. Known: {', '.join(LOOKS)}") from None
