"""Choices of a restore."""

from django.db import models


class RestoreMode(models.TextChoices):
    """What happens to an item when something is already there (features RST-03 to RST-06)."""

    NEW_ROOT = "new_root", "Put everything into a new folder"
    SKIP = "skip", "Skip it"
    REPLACE = "replace", "Replace it"
    DUPLICATE = "duplicate", "Keep both"


class PlanState(models.TextChoices):
    """MAKING -> READY -> STARTED, or FAILED when the target could not be looked at."""

    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    STARTED = "started", "Started"


class DrillState(models.TextChoices):
    """How a restore drill ended. BROKEN: it could not be done to its end, which proves nothing either way."""

    RUNNING = "running", "In progress"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    BROKEN = "broken", "Could not be done"
