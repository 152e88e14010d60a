"""How results name each kind of data."""

from dataclasses import dataclass

from apps.connectors.enums import SubService


@dataclass(frozen=True, slots=True)
class Kind:
    """`item` is the noun of one, `unnamed` stands for an empty name."""

    label: str
    icon: str
    item: str
    unnamed: str = "(no subject)"


_KINDS = {
    SubService.MAIL: Kind("Messages", "mail", "message"),
    SubService.CALENDARS: Kind("Events", "calendar", "event"),
    SubService.CONTACTS: Kind("Contacts", "contact", "contact", "(no name)"),
    SubService.TASKS: Kind("Tasks", "tasks", "task"),
    SubService.NOTES: Kind("Notes", "note", "note"),
    SubService.SETTINGS: Kind("Mailbox settings", "sliders", "setting", "(no name)"),
}


def kind_of(sub_service: str) -> Kind:
    """Return how to name it; one that nobody knows yet has plain words."""
    return _KINDS[SubService(sub_service)] if sub_service in _KINDS else _plain(sub_service)


def _plain(sub_service: str) -> Kind:
    return Kind(sub_service.title(), "box", "item", "(no name)")
