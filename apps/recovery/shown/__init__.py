"""What a person sees of an item that is kept as a document, one module for each kind of data."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.connectors.enums import SubService

from .contact import show_contact
from .event import show_event
from .fields import File, Shown, Table, files_of
from .note import show_note
from .setting import show_setting
from .task import show_task

__all__ = ["File", "Shown", "Table", "files_of", "show"]

_SHOWERS: Mapping[str, Callable[[dict[str, Any], dict[str, Any]], Shown]] = {
    SubService.CONTACTS: show_contact,
    SubService.CALENDARS: show_event,
    SubService.TASKS: show_task,
    SubService.NOTES: show_note,
}


def show(sub_service: str, document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Put a document into words. It was written by strangers: any field may be missing or of any type."""
    return _SHOWERS.get(sub_service, show_setting)(document, props)
