"""What belongs to a mailbox and cannot be read through Microsoft Graph. Shown in every coverage ledger.

https://learn.microsoft.com/graph/outlook-mail-concept-overview and, for calendars of groups ("Application: Not
supported"), https://learn.microsoft.com/graph/api/group-list-events; looked up in November 2026.
"""

from typing import Final

from apps.connectors.base import Unreachable
from apps.connectors.enums import EntityKind

_PUBLIC_FOLDERS: Final = Unreachable("Public folders", "Microsoft Graph has no interface for public folders.")
_PERMISSIONS: Final = Unreachable(
    "Permissions of mail folders", "Microsoft Graph does not tell who else may open a mail folder."
)
_GROUPS: Final = Unreachable(
    "Calendars of Microsoft 365 groups",
    "They belong to their group. Microsoft Graph shows their events to people who sign in, not to a backup.",
)
_JOURNAL: Final = Unreachable("Journal", "Microsoft Graph does not show the journal folder of Outlook.")

UNREACHABLE: Final[dict[EntityKind, tuple[Unreachable, ...]]] = {
    EntityKind.USER_MAILBOX: (_GROUPS, _JOURNAL, _PERMISSIONS, _PUBLIC_FOLDERS),
    EntityKind.SHARED_MAILBOX: (_JOURNAL, _PERMISSIONS),
    EntityKind.ROOM_MAILBOX: (_PERMISSIONS,),
}
