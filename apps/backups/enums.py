"""States of entities and runs."""

from django.db import models


class EntityState(models.TextChoices):
    """What was decided about an entity (features DSC-01). The last run's verdict stands beside it."""

    NOT_ACTIVE = "not_active", "Not active"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ARCHIVED = "archived", "Archived"


class Verdict(models.TextChoices):
    """How a run ended. A run with any failed item is partial, never a success."""

    RUNNING = "running", "In progress"
    SUCCESS = "success", "Success"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Frequency(models.TextChoices):
    """How often active entities run (features SCH-01)."""

    THREE_PER_DAY = "3_per_day", "3 times a day"
    DAILY = "daily", "Daily"
    EVERY_3_DAYS = "every_3_days", "Every 3 days"
    WEEKLY = "weekly", "Weekly"


class IssueKind(models.TextChoices):
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", "Schedule"
    PERSON = "person", "On demand"


class DamagedState(models.TextChoices):
    """What became of an item whose bytes were found damaged in the vault."""

    REFETCH = "refetch", "Waits for the next backup"
    HEALED = "healed", "Healed"
    LOST = "lost", "Lost"
