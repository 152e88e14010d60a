"""What kinds that are fields have in common: entries of Graph made plain, texts, times."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

OWN_TO_THE_PLACE: Final = frozenset({"id", "changeKey", "parentFolderId", "webLink"})
"""What says where an item lies and that it changed, not what it is."""


def plain(entry: Mapping[str, Any], *, dropped: frozenset[str] = OWN_TO_THE_PLACE) -> dict[str, Any]:
    """Return the entry without annotations, without what is null, and at its top without `dropped`."""
    return {key: _plain(value) for key, value in entry.items() if _is_kept(key, value) and key not in dropped}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if _is_kept(key, each)}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _is_kept(key: str, value: Any) -> bool:
    return "@" not in key and value is not None


def text_of(value: Any) -> str:
    """Return text that any database takes: PostgreSQL refuses NUL."""
    return value.replace("\x00", "") if isinstance(value, str) else ""


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def moment_of(value: Any) -> datetime | None:
    """Read an instant; one without a zone is in UTC, as Graph gives them."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
