"""What a person may do. The names are those of the permission editor (features USR-03, USR-04, TAG-02)."""

from django.db import models

from .actor import current_actor
from .errors import PermissionMissing


class Permission(models.TextChoices):
    """General rights first, then rights on backups. Values are stored: never renamed, never reused."""

    ACCOUNT_SETTINGS = "account_settings", "View account settings"
    BILLING = "billing", "View billing and manage payment details"
    SUPPORT = "support", "View support page"
    ACTIVITY = "activity", "View account activity"
    ALL_TICKETS = "all_tickets", "See all support tickets"
    NOTIFICATIONS = "notifications", "Manage notifications"
    BACKUPS_PAGE = "backups_page", "View the backups page"
    BILLING_MESSAGES = "billing_messages", "See billing messages"
    USERS = "users", "Manage users"
    ACTIVATE = "activate", "Activate backups"
    MODIFY = "modify", "Change backup tasks"
    DELETE = "delete", "Delete backup tasks"
    PAUSE = "pause", "Pause backups"
    EXECUTE = "execute", "Start backups"
    CANCEL = "cancel", "Cancel backups"
    VIEW = "view", "View backups"
    PREVIEW = "preview", "Preview backed up data"
    RESTORE = "restore", "Restore"
    EXPORT = "export", "Export"
    ERASE = "erase", "Erase items"
    LIMITED_ACCESS = "limited_access", "See entities with limited access"


# Who holds one of these is shown what a backup holds by name: subjects, senders, folders, files. Who only views
# sees mailboxes, days, counts and sizes; what is inside an item needs PREVIEW (docs/tenancy-and-access.md).
CONTENTS = (Permission.PREVIEW, Permission.RESTORE, Permission.EXPORT)


def may_name_contents() -> bool:
    """Tell whether the actor in force may see the names of what is kept."""
    return any(allowed(right) for right in CONTENTS)


def require_contents() -> None:
    """Raise PermissionMissing for who may only see that something is kept, not what."""
    if not may_name_contents():
        raise PermissionMissing(
            "This shows subjects and folders: it needs the permission to preview, restore or export.",
            do="Ask an administrator of your account for it.",
        )


def require(permission: Permission) -> None:
    """Raise PermissionMissing unless the actor in force has this right."""
    if permission not in current_actor().permissions:
        raise PermissionMissing(
            f"This needs the permission “{permission.label}”.",
            do="Ask an administrator of your account for it.",
        )


def allowed(permission: Permission) -> bool:
    """Tell whether the actor in force has this right; for showing or hiding a control, never as the lock."""
    return permission in current_actor().permissions
