"""Choices about accounts and people."""

from django.db import models

from apps.core.permissions import Permission as P


class Location(models.TextChoices):
    """Where an account's backups are kept (ACC-03). Fixed at sign-up."""

    AUSTRALIA = "au", "Australia"
    CANADA = "ca", "Canada"
    FRANCE = "fr", "France"
    GERMANY = "de", "Germany"
    IRELAND = "ie", "Ireland"
    JAPAN = "jp", "Japan"
    UNITED_KINGDOM = "uk", "United Kingdom"
    UNITED_STATES = "us", "United States"


class AccountState(models.TextChoices):
    """Life of an account."""

    TRIAL = "trial", "Trial"
    ACTIVE = "active", "Active"
    CLOSING = "closing", "Being closed"  # can be taken back
    ENDING = "ending", "Being deleted"  # cannot


class ClosingCause(models.TextChoices):
    """Why an account is closed. Stands on its tombstone, so it names nobody."""

    CANCELLED = "cancelled", "Cancelled by its owner"
    TRIAL = "trial", "The trial ended without a plan"
    NO_PLAN = "no_plan", "Its plan ended, or was not paid for"


# Closings for want of a plan: a plan brings the account back, and without billing nothing is deleted for it.
WANT_OF_A_PLAN = (ClosingCause.TRIAL, ClosingCause.NO_PLAN)


class ApprovalState(models.TextChoices):
    """What became of something that a second administrator has to approve."""

    PENDING = "pending", "Waits for a second administrator"
    DONE = "done", "Approved and done"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Taken back"
    EXPIRED = "expired", "Nobody approved it in time"


class Role(models.TextChoices):
    """Named sets of permissions (features USR-02, USR-07)."""

    ADMINISTRATOR = "administrator", "Administrator"
    BACKUP_OPERATOR = "backup_operator", "Backup operator"
    RESTORE_OPERATOR = "restore_operator", "Restore operator"
    AUDITOR = "auditor", "Auditor"
    FINANCE = "finance", "Finance"
    CUSTOM = "custom", "Custom"


_LOOK = {P.BACKUPS_PAGE, P.VIEW, P.ACTIVITY, P.SUPPORT}
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    Role.ADMINISTRATOR: frozenset(P.values),
    Role.BACKUP_OPERATOR: frozenset(_LOOK | {P.ACTIVATE, P.MODIFY, P.PAUSE, P.EXECUTE, P.CANCEL}),
    Role.RESTORE_OPERATOR: frozenset(_LOOK | {P.PREVIEW, P.RESTORE, P.EXPORT, P.CANCEL}),
    Role.AUDITOR: frozenset({P.BACKUPS_PAGE, P.VIEW, P.ACTIVITY}),
    Role.FINANCE: frozenset({P.BILLING, P.BILLING_MESSAGES}),
    Role.CUSTOM: frozenset(),
}


class PartnerRole(models.TextChoices):
    """What a person may do in their partner organisation."""

    MANAGER = "manager", "Manager"  # people of the partner, new customers, ends relations
    TECHNICIAN = "technician", "Technician"  # enters customers' accounts
