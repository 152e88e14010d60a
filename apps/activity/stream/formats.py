"""An entry as a line for a SIEM."""

import json
from typing import Final

from ..chain import fields_of
from ..models import ActivityStatus, SecurityEvent, StreamFormat
from ..registry import meaning_of

_SEVERITY: Final = {ActivityStatus.REFUSED: 7, ActivityStatus.FAILED: 6, ActivityStatus.PARTIAL: 5}


def line_of(event: SecurityEvent, wanted: str) -> str:
    """Return the entry in the wanted format, without an end of line."""
    return cef(event) if wanted == StreamFormat.CEF else json_line(event)


def json_line(event: SecurityEvent) -> str:
    """Every field of the canonical form, its seal, and the words of its code: a SIEM can verify the chain."""
    return json.dumps(
        {**fields_of(event), "seal": event.seal, "words": meaning_of(event.code).words},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )


def cef(event: SecurityEvent) -> str:
    """ArcSight's Common Event Format, version 0."""
    head = (event.code, meaning_of(event.code).words, str(_SEVERITY.get(ActivityStatus(event.status), 3)))
    extension = {
        "externalId": str(event.sequence),
        "rt": str(int(event.at.timestamp() * 1000)),
        "outcome": event.status,
        "suser": event.actor_label,
        "src": event.address,
        "msg": event.description,
        "cat": meaning_of(event.code).category,
        "cs1Label": "task",
        "cs1": event.task_label,
        "cs2Label": "service",
        "cs2": event.service,
        "cs3Label": "seal",
        "cs3": event.seal,
    }
    said = " ".join(f"{key}={_value(value)}" for key, value in extension.items() if value)
    return "|".join(["CEF:0", "Everkeep", "Everkeep", "1", *map(_head, head), said])


def _head(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _one_line(text: str) -> str:
    return " ".join(text.split())
