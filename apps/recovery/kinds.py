"""How pages name each kind of data."""

from dataclasses import dataclass

from apps.connectors.enums import SubService


@dataclass(frozen=True, slots=True)
class Kind:
    """Words and icon of one kind of data. `item` and `folder` are nouns, singular and plural."""

    sub_service: str
    label: str
    icon: str
    item: tuple[str, str]
    folder: tuple[str, str]

    def items(self, count: int) -> str:
        """Say "1 message", "12,034 messages"."""
        return f"{count:,} {self.item[count != 1]}"

    def folders(self, count: int) -> str:
        return f"{count:,} {self.folder[count != 1]}"


_FOLDER = ("folder", "folders")
KINDS = {
    kind.sub_service: kind
    for kind in (
        Kind(SubService.MAIL, "Mail", "mail", ("message", "messages"), _FOLDER),
        Kind(SubService.CALENDARS, "Calendar", "calendar", ("event", "events"), ("calendar", "calendars")),
        Kind(SubService.CONTACTS, "Contacts", "contact", ("contact", "contacts"), _FOLDER),
        Kind(SubService.TASKS, "Tasks", "tasks", ("task", "tasks"), ("list", "lists")),
        Kind(SubService.NOTES, "Notes", "note", ("note", "notes"), _FOLDER),
        Kind(SubService.SETTINGS, "Mailbox settings", "sliders", ("setting", "settings"), ("group", "groups")),
    )
}
_OTHER = ("item", "items")


def kind_of(sub_service: str) -> Kind:
    """Return how to name a kind of data; one that no page knows yet has plain words."""
    return KINDS.get(sub_service) or Kind(sub_service, sub_service.title(), "box", _OTHER, _FOLDER)
