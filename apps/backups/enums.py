"""States of entities and runs."""

from django.db import models


class EntityState(models.TextChoices):
    """What was decided about an entity (features DSC-01). The last run's verdict stands beside it."""

    NOT_ACTIVE = "not_active", "Not active"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ARCHIVED = "archived", "Archived"
    DELETING = "deleting", "Being deleted"  # its grace runs, or it is being destroyed (deletion/)


class DeletionState(models.TextChoices):
    """What became of an order to delete."""

    WAITING = "waiting", "Waits for the end of its grace"  # can be taken back
    DESTROYING = "destroying", "Being deleted"  # cannot
    DONE = "done", "Deleted"
    CANCELLED = "cancelled", "Taken back"


class ErasureState(models.TextChoices):
    """What became of an order to erase items."""

    WAITING = "waiting", "Waits for the end of its grace"  # can be taken back
    ERASING = "erasing", "Being erased"  # cannot
    DONE = "done", "Erased"
    CANCELLED = "cancelled", "Taken back"


class Verdict(models.TextChoices):
    """How a run ended. A run with any failed item is partial, never a success."""

    RUNNING = "running", "In progress"
    SUCCESS = "success", "Success"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    STOPPED = "stopped", "Stopped"


class Precedence(models.IntegerChoices):
    """Who of one account comes first when many are due. Other accounts are not concerned."""

    FIRST = 1, "First"
    USUAL = 2, "As usual"
    LAST = 3, "Last"


class RunPriority(models.IntegerChoices):
    """How urgent an entity's next run is, whosever it is: a person waits for it, or the clock asks."""

    ON_DEMAND = 10
    ROUTINE = 100


class RoundOutcome(models.TextChoices):
    """How a task's round ended, for tasks that run after it."""

    GOOD = "good", "When all went well, or in part"
    FAILED = "failed", "When a backup failed"
    STOPPED = "stopped", "When a backup was cancelled or stopped"


class IssueKind(models.TextChoices):
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", "Schedule"
    PERSON = "person", "On demand"
    CHAIN = "chain", "After another task"


class DamagedState(models.TextChoices):
    """What became of an item whose bytes were found damaged in the vault."""

    REFETCH = "refetch", "Waits for the next backup"
    HEALED = "healed", "Healed"
    LOST = "lost", "Lost"


class GapCause(models.TextChoices):
    """Why a backup does not cover something. Those of skipped items have the values of `SkipCause`."""

    REFUSED = "refused", "A permission is missing"
    KIND = "kind", "Could not be read"
    FOLDER = "folder", "Could not be read to its end"
    FAILED = "failed", "Items that could not be read"
    MISSING = "missing", "Fewer items than the provider counts"
    MALWARE = "malware", "Items marked as malware by the provider"
    CORRUPT = "corrupt", "Items damaged at the source"
    TOO_LARGE = "too_large", "Items larger than the provider's interface carries"
    NOT_REACHABLE = "not_reachable", "Not reachable through the provider's interface"
    EXCLUDED = "excluded", "Left out by rule"


class HookMoment(models.TextChoices):
    BEFORE = "before", "Before a round"
    AFTER = "after", "After a round"


class Otherwise(models.TextChoices):
    """What becomes of a round whose hook does not say yes."""

    GO = "go", "Back up all the same"
    SKIP = "skip", "Skip this round"


class RoundState(models.TextChoices):
    """How far a round of a task with hooks is."""

    ASKING = "asking", "Waits for an answer"
    OPEN = "open", "In progress"
    SKIPPED = "skipped", "Skipped"
    ENDED = "ended", "Ended"

    @classmethod
    def under_way(cls) -> list[str]:
        return [cls.ASKING.value, cls.OPEN.value]


class LetterState(models.TextChoices):
    """What became of a request to a hook. Values are stored: never renamed."""

    WAITING = "waiting", "Being sent"
    DELIVERED = "delivered", "Delivered"
    REFUSED = "refused", "Answered no"
    FAILED = "failed", "Failed"


class ReportFormat(models.TextChoices):
    OVERVIEW = "overview", "Backup tasks overview"
    FAILURES = "failures", "Backup failure details"


class ReportWay(models.TextChoices):
    """How the table of a report comes."""

    ATTACHED = "attached", "Attached to the mail"
    LINK = "link", "As a link to download it"


class ReportRhythm(models.TextChoices):
    DAILY = "daily", "Once a day"
    WEEKLY = "weekly", "Once a week"
    MONTHLY = "monthly", "Once a month"


class ReportState(models.TextChoices):
    """What became of one report of one period."""

    DUE = "due", "Being made"
    SENT = "sent", "Sent"
    NOT_NEEDED = "not_needed", "Not sent: nothing was wrong"
    NOBODY = "nobody", "Not sent: nobody receives it"
    GIVEN_UP = "given_up", "Not sent: it could not be made for a day."


class Topic(models.TextChoices):
    """What recipients of exceptions and of auto discovery are told. Values are stored: never renamed."""

    LOST = "lost", "Connection lost"
    FAILED = "failed", "Backup failed, also when it was tried again"
    PARTIAL = "partial", "Backup not complete"
    PAUSED = "paused", "No longer backed up: paused"
    ARCHIVED = "archived", "No longer backed up: gone at the source, archived"
    RULE = "rule", "Rule not followed, or round skipped"
    FOUND = "found", "Found"
    ACTIVATED = "activated", "Activated by itself"
    GONE = "gone", "No longer at the source, archived"
    RETURNED = "returned", "Back at the source"
