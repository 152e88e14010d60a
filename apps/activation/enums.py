"""What rules choose by, how long they hold, and what becomes of whom they meet."""

from django.db import models


class RuleKind(models.TextChoices):
    PROPERTY = "property", "Directory property"
    GROUP = "group", "Groups"
    LIST = "list", "List of addresses"
    PATTERN = "pattern", "Name or address"
    EVERYONE = "everyone", "Everyone"


class Mode(models.TextChoices):
    ONCE = "once", "Once"
    DAILY = "daily", "By a rule, every day"


class Leaving(models.TextChoices):
    """What a rule does to who no longer fits (features DSC-12)."""

    KEEP = "keep", "Keep backing up"
    PAUSE = "pause", "Pause"
    DELETE = "delete", "Delete after seven days"


class RuleState(models.TextChoices):
    DRAFT = "draft", "Not started"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done once"
    REMOVED = "removed", "Removed"


class Outcome(models.TextChoices):
    """What a rule did, or would do, to one mailbox. Values are stored: never renamed."""

    ACTIVATED = "activated", "Activated"
    RESUMED = "resumed", "Resumed"
    ALREADY = "already", "Already active"
    BY_HAND = "by_hand", "Stays paused: paused by hand"
    ELSEWHERE = "elsewhere", "Backed up in another task"
    UNREACHABLE = "unreachable", "No mailbox found at Microsoft"
    ARCHIVED = "archived", "Archived: gone at the source"
    DELETING = "deleting", "Being deleted"
    DELETED = "deleted", "Stays not active: its backups were deleted"
    EXCLUDED = "excluded", "Left out by a person"
    TAKEN_IN = "taken_in", "Taken in again by a person"
    LEFT_KEPT = "left_kept", "No longer fits: goes on as it is"
    LEFT_PAUSED = "left_paused", "No longer fits: paused"
    LEFT_BY_HAND = "left_by_hand", "No longer fits: goes on, it was activated by hand"
    LEFT_DELETED = "left_deleted", "No longer fits: deletion ordered, with seven days of grace"
    LEFT_ON_HOLD = "left_on_hold", "No longer fits: goes on, it is on legal hold"
    PUT_BACK = "put_back", "Fits again: its deletion was taken back"
    LEFT_HELD = "left_held", "No longer fits: goes on, another rule holds it"
