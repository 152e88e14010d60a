"""States of stores, packs, garbage collection, checks and damage. Stored: never changed."""

from django.db import models


class PackState(models.IntegerChoices):
    """What is known of a pack."""

    STORED = 1, "Stored"
    ORPHAN = 2, "Orphan"  # lies in the store, was never recorded by its writer
    RETIRED = 3, "Retired"  # all its blobs are gone or moved; its object waits out the quarantine
    DELETED = 4, "Deleted"  # the object is deleted or about to be; the row bars the pack's id (V14)


class GcState(models.IntegerChoices):
    """Where a round of garbage collection stands. The first three are open."""

    MARKING = 1, "Looking for what nothing needs"
    MARKED = 2, "Waiting out the grace period"
    SWEEPING = 3, "Removing"
    DONE = 4, "Done"
    REFUSED = 5, "Refused"


OPEN_ROUNDS = (GcState.MARKING, GcState.MARKED, GcState.SWEEPING)


class StoreState(models.TextChoices):
    """What the last test, or the last use, of a store found."""

    UNTESTED = "untested", "Not tested yet"
    WORKING = "working", "Works"
    FAILING = "failing", "Does not work"


class CopyState(models.IntegerChoices):
    """A further copy of a pack, beside the one that its row names.

    REPLICA: kept on purpose, in the second store of its shelf. LEFT: where the pack was before it was moved; to
    be deleted. FAILED: should be a replica, but could not be written or is not whole; tried again.
    """

    REPLICA = 1, "Replica"
    LEFT = 2, "Left behind"
    FAILED = 3, "Failed"


class CheckTier(models.TextChoices):
    """How deep a check looks (docs/check-and-repair.md)."""

    STRUCTURE = "structure", "Structure"
    SAMPLE = "sample", "Sample"
    ALL = "all", "Every byte"
    RESTORED = "restored", "After a restore from journals"


ORDERED_TIERS = (CheckTier.STRUCTURE, CheckTier.SAMPLE, CheckTier.ALL)  # what a person may choose
WHOLE_TIERS = (CheckTier.ALL, CheckTier.RESTORED)  # these look at everything


class CheckState(models.TextChoices):
    """Where a check stands. The first two are open."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "In progress"
    CLEAN = "clean", "Nothing wrong"
    LOST = "lost", "Sound, but for what is lost"
    DAMAGED = "damaged", "Damage found"
    FAILED = "failed", "Could not finish"
    CANCELLED = "cancelled", "Cancelled"


OPEN_CHECKS = (CheckState.PENDING, CheckState.RUNNING)
ENDED_CHECKS = (CheckState.CLEAN, CheckState.LOST, CheckState.DAMAGED)  # that looked at all they wanted


class CheckTrigger(models.TextChoices):
    SCHEDULE = "schedule", "Schedule"
    PERSON = "person", "On demand"
    REBUILD = "rebuild", "After a rebuild"


class DamageState(models.TextChoices):
    """What became of a piece of damage. The first three are open."""

    FOUND = "found", "Found"
    REFETCH = "refetch", "Waits for the next backup"
    REWRITE = "rewrite", "Waits for its pack to be rewritten"
    HEALED = "healed", "Healed"
    LOST = "lost", "Lost"


OPEN_DAMAGE = (DamageState.FOUND, DamageState.REFETCH, DamageState.REWRITE)


class FoundBy(models.TextChoices):
    CHECK = "check", "A check"
    READING = "reading", "Somebody who opened it"
    DRILL = "drill", "A restore drill"
