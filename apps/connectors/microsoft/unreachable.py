"""What belongs to a mailbox and cannot be read through Microsoft Graph. Shown in every coverage ledger.

https://learn.microsoft.com/graph/api/resources/mailfolder ("In-place archive mailboxes are not supported"),
https://learn.microsoft.com/graph/outlook-mail-concept-overview; facts were looked up in November 2026.
"""

from typing import Final

from apps.connectors.base import Unreachable
from apps.connectors.enums import EntityKind

_PUBLIC_FOLDERS: Final = Unreachable("Public folders", "Microsoft Graph has no interface for public folders.")
_PERMISSIONS: Final = Unreachable(
    "Permissions of mail folders", "Microsoft Graph does not tell who else may open a mail folder."
)
_ARCHIVE: Final = Unreachable(
    "In-place archive",
    "Microsoft's mail interface does not support in-place archives, so they are not read. "
    "The folder that is called Archive is part of the mailbox, and is backed up.",
)
_JOURNAL: Final = Unreachable("Journal", "Microsoft Graph does not show the journal folder of Outlook.")

UNREACHABLE: Final[dict[EntityKind, tuple[Unreachable, ...]]] = {
    EntityKind.USER_MAILBOX: (_ARCHIVE, _JOURNAL, _PERMISSIONS, _PUBLIC_FOLDERS),
    EntityKind.SHARED_MAILBOX: (_ARCHIVE, _JOURNAL, _PERMISSIONS),
    EntityKind.ROOM_MAILBOX: (_ARCHIVE, _PERMISSIONS),
}
