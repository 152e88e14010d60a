"""How pages name and list each kind of data: words, icon, columns (BRW-09), orders."""

from dataclasses import dataclass

from apps.backups.selectors.browse import Sort
from apps.connectors.enums import SubService

Orders = tuple[tuple[Sort, str], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Words, icon and list of one kind of data. `item` and `folder` are nouns, singular and plural.

    `columns` are headings of its list; without any the list has rows of mail. The first order is the default.
    `author` heads the column of that in short lists,
    `find` says what the filter looks at, `unnamed` stands for an empty name.
    """

    sub_service: str
    label: str
    icon: str
    item: tuple[str, str]
    folder: tuple[str, str]
    folder_icon: str = "folder"
    columns: tuple[str, ...] = ()
    orders: Orders = ()
    author: str = ""
    find: str = "Name"
    unnamed: str = "(no name)"

    def items(self, count: int) -> str:
        """Say "1 message", "12,034 messages"."""
        return f"{count:,} {self.item[count != 1]}"

    def folders(self, count: int) -> str:
        return f"{count:,} {self.folder[count != 1]}"


_FOLDER = ("folder", "folders")
_BY_SIZE: Orders = ((Sort.LARGEST, "Largest first"), (Sort.SMALLEST, "Smallest first"))


def _by_name(word: str) -> Orders:
    return (Sort.SUBJECT, f"{word}, A to Z"), (Sort.SUBJECT_LAST, f"{word}, Z to A")


def _by_author(word: str) -> Orders:
    return (Sort.SENDER, f"{word}, A to Z"), (Sort.SENDER_LAST, f"{word}, Z to A")


def _by_time(newest: str, oldest: str) -> Orders:
    return (Sort.NEWEST, newest), (Sort.OLDEST, oldest)


_KINDS = (
    Kind(
        SubService.MAIL, "Mail", "mail", ("message", "messages"), _FOLDER,
        orders=(
            *_by_time("Newest first", "Oldest first"), *_by_author("Sender"), *_by_name("Subject"), *_BY_SIZE,
        ),
        author="From", find="Sender or subject", unnamed="(no subject)",
    ),
    Kind(
        SubService.CALENDARS, "Calendar", "calendar", ("event", "events"), ("calendar", "calendars"),
        folder_icon="calendar",
        columns=("Subject", "Start", "End", "Where", "Organizer"),
        orders=(*_by_time("Latest first", "Earliest first"), *_by_name("Subject"), *_by_author("Organizer")),
        author="Organizer", find="Subject or organizer", unnamed="(no subject)",
    ),
    Kind(
        SubService.CONTACTS, "Contacts", "contact", ("contact", "contacts"), _FOLDER,
        columns=("Name", "E-mail", "Phone", "Address", "Job title", "Company"),
        orders=(
            *_by_name("Name"), *_by_author("E-mail"), *_by_time("Last changed first", "Last changed last"),
        ),
        author="E-mail", find="Name or e-mail",
    ),
    Kind(
        SubService.TASKS, "Tasks", "tasks", ("task", "tasks"), ("list", "lists"),
        folder_icon="list",
        columns=("Subject", "Status", "Due", "Steps"),
        orders=(*_by_time("Latest due first", "Earliest due first"), *_by_name("Subject")),
        find="Subject", unnamed="(no subject)",
    ),
    Kind(
        SubService.NOTES, "Notes", "note", ("note", "notes"), _FOLDER,
        columns=("Subject", "Updated", "Content"),
        orders=(*_by_time("Newest first", "Oldest first"), *_by_name("Subject")),
        find="Subject", unnamed="(no subject)",
    ),
    Kind(
        SubService.SETTINGS, "Mailbox settings", "sliders", ("setting", "settings"), ("group", "groups"),
        folder_icon="sliders",
        columns=("Name", "Type", "In short"),
        orders=_by_name("Name"),
    ),
)  # fmt: skip
KINDS = {kind.sub_service: kind for kind in _KINDS}


def kind_of(sub_service: str) -> Kind:
    """Return how to name and list a kind of data; one that no page knows yet has plain words."""
    orders = (*_by_name("Name"), *_by_time("Newest first", "Oldest first"))
    return KINDS.get(sub_service) or Kind(
        sub_service, sub_service.title(), "box", ("item", "items"), _FOLDER, columns=("Name",), orders=orders
    )
