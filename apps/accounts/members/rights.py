"""What somebody is given in an account, and who may give it: nobody more than they hold themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.core.actor import Actor, current_actor
from apps.core.errors import PermissionMissing
from apps.core.permissions import Permission as P

from ..enums import ROLE_PERMISSIONS, Role
from ..models import Invitation, Membership

ROLE_SENTENCES = {
    Role.ADMINISTRATOR: "Everything, including limited access",
    Role.BACKUP_OPERATOR: "Runs and watches backups, sees no contents",
    Role.RESTORE_OPERATOR: "Finds, previews, restores and exports",
    Role.AUDITOR: "Reads logs and reports, sees no contents",
    Role.FINANCE: "Billing only",
    Role.CUSTOM: "What is ticked below",
}

# The check lists of the editor: (right, explanation). They are called there what every refusal calls them.
GENERAL = (
    (P.BACKUPS_PAGE, ""),
    (P.ACCOUNT_SETTINGS, "Account, security, storage"),
    (P.USERS, "Gives nobody more than one has oneself"),
    (P.ACTIVITY, "System activity and security audit"),
    (P.NOTIFICATIONS, ""),
    (P.BILLING, ""),
    (P.BILLING_MESSAGES, "Due, overdue, failed"),
    (P.SUPPORT, ""),
    (P.ALL_TICKETS, "Not only own ones"),
)
TASKS = (
    (P.VIEW, "Tasks, mailboxes, days and counts, no subjects"),
    (P.ACTIVATE, "Choose what is backed up"),
    (P.MODIFY, "Add tasks, change their settings"),
    (P.EXECUTE, "Also: check the vault now"),
    (P.CANCEL, "Also restores, exports, checks"),
    (P.PAUSE, "And resume them"),
    (P.DELETE, "Or mailboxes of them"),
)
CONTENTS = (
    (P.PREVIEW, "Opening is written down"),
    (P.RESTORE, "Sees subjects and folders to choose from"),
    (P.EXPORT, "Takes data out of the organisation"),
    (P.ERASE, "Right to erasure (GDPR). Cannot be undone"),
)
CHECK_LISTS = (
    ("general", "General", "", GENERAL),
    ("tasks", "Backup tasks", "", TASKS),
    (
        "contents",
        "Contents",
        "Subjects, senders and folders are shown to who may preview, restore or export.",
        CONTENTS,
    ),
)
CHOOSABLE = tuple(right.value for *_, rows in CHECK_LISTS for right, _ in rows)


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody is given. `services` None is all, also future ones."""

    role: str
    extra: frozenset[str] = frozenset()
    services: frozenset[str] | None = None

    @classmethod
    def chosen(
        cls, role: str, *, permissions: Iterable[str], services: Iterable[str] | None, limited: bool
    ) -> "Grant":
        """Read what was ticked: an administrator has everything; only Custom is ticked right by right."""
        if role == Role.ADMINISTRATOR:
            return cls(role)
        extra = frozenset(permissions) if role == Role.CUSTOM else frozenset()
        extra |= {P.LIMITED_ACCESS.value} if limited else frozenset()
        return cls(role, extra, None if services is None else frozenset(services))

    @classmethod
    def of(cls, row: Membership | Invitation) -> "Grant":
        services = None if row.services is None else frozenset(row.services)
        return cls(row.role, frozenset(row.extra_permissions), services)

    @property
    def permissions(self) -> frozenset[str]:
        return ROLE_PERMISSIONS[self.role] | self.extra

    def columns(self) -> dict[str, Any]:
        """The columns of a membership or an invitation."""
        return {
            "role": self.role,
            "extra_permissions": sorted(self.extra),
            "services": None if self.services is None else sorted(self.services),
        }

    def is_within(self, actor: Actor) -> bool:
        """Tell whether the actor holds all of this."""
        if actor.kind == "system":
            return True
        if not self.permissions <= actor.permissions:
            return False
        return actor.services is None or (self.services is not None and self.services <= actor.services)


def require_within(grant: Grant) -> None:
    """Raise PermissionMissing when this is more than the actor in force holds."""
    if not grant.is_within(current_actor()):
        raise PermissionMissing(
            "Nobody can give, change or take away more than they hold themselves.",
            do="Ask an administrator of your account.",
        )


def grantable_roles() -> set[str]:
    """The roles that the actor in force could give, with what services may be."""
    actor = current_actor()
    return {role.value for role in Role if Grant(role, frozenset(), actor.services).is_within(actor)}
