"""Which formats there are for which kind of data. A new format (PST) is one more `register`."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.connectors.enums import SubService

from . import contacts, events, notes, tasks
from .item import Item, NotConvertible
from .tables import Gatherer, Joined, Lines, Table, WholeCalendar


@dataclass(frozen=True, slots=True)
class Form:
    """One file an item. Without `write` it is the item as it is stored, byte for byte."""

    ending: str
    write: Callable[[Item], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """One file a folder, for all its items."""

    file_name: str
    make: Callable[[], Gatherer]


@dataclass(frozen=True, slots=True)
class Format:
    """`name` is kept in jobs: never renamed. `label` says it to people. The first form is what a list links."""

    name: str
    label: str
    kinds: frozenset[str]
    forms: tuple[Form, ...]
    gathered: tuple[Gathered, ...] = ()


def convert(write: Callable[[Item], bytes], item: Item) -> bytes:
    """Write an item in a form. Raises NotConvertible, also where its fields are of no kind that we know."""
    try:
        return write(item)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise NotConvertible(f"A field of it cannot be written in this format ({error}).") from error


_formats: dict[str, Format] = {}


def register(added: Format) -> None:
    """Add a format; of one name the last one wins."""
    _formats[added.name] = added


def formats_of(kind: str) -> list[Format]:
    """Return the formats for a kind of data, the usual one first. What has none leaves as JSON."""
    return [each for each in _formats.values() if kind in each.kinds] or [PLAIN]


def format_of(kind: str, name: str = "") -> Format:
    """Return the format of that name for a kind of data, else the usual one."""
    found = formats_of(kind)
    return next((each for each in found if each.name == name), found[0])


PLAIN = Format("json", "JSON, as the provider told it", frozenset(), ())
register(
    Format(
        "eml",
        "EML, one file a message",
        frozenset({SubService.MAIL}),
        (Form("eml"),),
        (Gathered("All messages.jsonl", Lines),),
    )
)
register(
    Format(
        "ical",
        "iCalendar, one file an event and one a calendar",
        frozenset({SubService.CALENDARS}),
        (Form("ics", events.write_event),),
        (Gathered("All events.ics", lambda: WholeCalendar(events.event_components)),),
    )
)
register(
    Format(
        "vcard",
        "vCard 4, one file a contact and one address book, and a table (CSV)",
        frozenset({SubService.CONTACTS}),
        (Form("vcf", contacts.write_contact),),
        (
            Gathered("All contacts.vcf", lambda: Joined(contacts.write_contact)),
            Gathered("All contacts.csv", lambda: Table(contacts.COLUMNS, contacts.contact_row)),
        ),
    )
)
register(
    Format(
        "vtodo",
        "iCalendar tasks, one file a task and one a list, and a table (CSV)",
        frozenset({SubService.TASKS}),
        (Form("ics", tasks.write_task),),
        (
            Gathered("All tasks.ics", lambda: WholeCalendar(tasks.task_components)),
            Gathered("All tasks.csv", lambda: Table(tasks.COLUMNS, tasks.task_row)),
        ),
    )
)
register(
    Format(
        "note",
        "Text and HTML, one of each a note",
        frozenset({SubService.NOTES}),
        (Form("html", notes.write_note_page), Form("txt", notes.write_note_text)),
    )
)
register(
    Format(
        "setting",
        "Text, one file a setting",
        frozenset({SubService.SETTINGS}),
        (Form("txt", notes.write_setting),),
    )
)
