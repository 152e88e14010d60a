"""Which permissions at Microsoft serve what: least privilege, shown before anybody consents.

https://learn.microsoft.com/graph/permissions-reference, application permissions.
"""

from dataclasses import dataclass
from typing import Final

from .enums import SubService


@dataclass(frozen=True, slots=True)
class Need:
    """One permission. `missing`: what happens without it. `optional`: nothing waits for it."""

    name: str
    words: str
    missing: str
    write: bool = False
    optional: bool = False


MICROSOFT: Final = (
    Need("Mail.Read", "Read mail in all mailboxes", "No messages are backed up"),
    Need("Calendars.Read", "Read calendars in all mailboxes", "No calendars are backed up"),
    Need("Contacts.Read", "Read contacts in all mailboxes", "No contacts are backed up"),
    Need("Tasks.Read.All", "Read tasks and task lists of all people", "No tasks are backed up"),
    Need("User.Read.All", "Read people", "Mailboxes are not found, nor their in-place archives"),
    Need("ShortNotes.Read.All", "Read notes of all people", "No notes are backed up"),
    Need(
        "GroupMember.Read.All",
        "Read groups and who belongs to them",
        "Mailboxes cannot be activated by groups",
    ),
    Need(
        "MailboxSettings.Read",
        "Read mailbox settings",
        "No settings, rules and categories are backed up; rooms and shared mailboxes are not told apart",
    ),
    Need(
        "Reports.Read.All",
        "Read usage reports",
        "Nobody is told that a mailbox is nearly full at Microsoft",
        optional=True,
    ),
    Need("Organization.Read.All", "Read the organisation's name", "The connection cannot be tested"),
    Need(
        "Mail.ReadWrite",
        "Write mail in all mailboxes",
        "No messages can be restored into mailboxes",
        write=True,
    ),
    Need("Calendars.ReadWrite", "Write calendars in all mailboxes", "No events can be restored", write=True),
    Need("Contacts.ReadWrite", "Write contacts in all mailboxes", "No contacts can be restored", write=True),
    Need("Tasks.ReadWrite.All", "Write tasks of all people", "No tasks can be restored", write=True),
    Need("ShortNotes.ReadWrite.All", "Write notes of all people", "No notes can be restored", write=True),
    Need(
        "MailboxSettings.ReadWrite",
        "Write mailbox settings",
        "No settings, rules and categories can be restored",
        write=True,
    ),
)

GROUPS: Final = "GroupMember.Read.All"
"""What activation by groups needs."""

USAGE: Final = "Reports.Read.All"
"""What telling how full mailboxes are needs."""

READING: Final = {
    SubService.MAIL: "Mail.Read",
    SubService.CALENDARS: "Calendars.Read",
    SubService.CONTACTS: "Contacts.Read",
    SubService.TASKS: "Tasks.Read.All",
    SubService.NOTES: "ShortNotes.Read.All",
    SubService.SETTINGS: "MailboxSettings.Read",
}
"""What a backup of each kind of data needs."""

WRITING: Final = {
    SubService.MAIL: "Mail.ReadWrite",
    SubService.CALENDARS: "Calendars.ReadWrite",
    SubService.CONTACTS: "Contacts.ReadWrite",
    SubService.TASKS: "Tasks.ReadWrite.All",
    SubService.NOTES: "ShortNotes.ReadWrite.All",
    SubService.SETTINGS: "MailboxSettings.ReadWrite",
}
"""What a restore of each kind of data needs."""


def microsoft_needs(*, write: bool) -> tuple[Need, ...]:
    """Return what is asked for: reading alone, or writing too when a restore needs it."""
    return tuple(need for need in MICROSOFT if write or not need.write)


def writing_name(name: str) -> str:
    """Return the permission that includes reading: who may write may read."""
    return name.replace(".Read", ".ReadWrite")


def missing_for_reading(granted: frozenset[str] | None) -> tuple[str, ...]:
    """Return what a backup of all kinds of data needs and was not granted; nothing when nobody knows.

    Who may write may read.
    """
    if granted is None:
        return ()
    return tuple(name for name in READING.values() if not granted & {name, writing_name(name)})
