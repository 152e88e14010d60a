"""What alerts are about, how bad they are, and what became of them. Values are stored: never renamed."""

from django.db import models


class AlertKind(models.TextChoices):
    """The first eight are found by how a mailbox usually is (learning/), the others by what stands."""

    MASS_DELETION = "mass_deletion", "Many items deleted"
    MASS_CHANGE = "mass_change", "Many items changed"
    ENCRYPTION = "encryption", "Looks like encryption"
    EROSION = "erosion", "Items leave bit by bit"
    FLOOD = "flood", "Unusually many new items"
    GROWTH = "growth", "Unusual growth"
    SILENCE = "silence", "Nothing new for long"
    TASK_SILENCE = "task_silence", "Backups bring nothing new"
    FORWARDING = "forwarding", "New rule that forwards mail"
    EXPIRING = "expiring", "Sign-in expires"
    DISCONNECTED = "disconnected", "Connection lost"
    COVERAGE = "coverage", "Coverage dropped"
    QUOTA = "quota", "Mailbox or storage nearly full"
    FAILURES = "failures", "Backups fail one after the other"
    OVERDUE = "overdue", "No good backup for long"
    DAMAGE = "damage", "Damage in what is kept"


class Severity(models.TextChoices):
    NOTICE = "notice", "Notice"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"


class Sensitivity(models.TextChoices):
    """How far from the usual a backup may be before somebody is alarmed."""

    LOW = "low", "Low: only what stands out far"
    NORMAL = "normal", "Normal"
    HIGH = "high", "High: also what is only unusual"


class AlertState(models.TextChoices):
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLOSED = "closed", "Over"


class RoomOutcome(models.TextChoices):
    """What came of asking a provider how full mailboxes are."""

    READ = "read", "Read"
    CONCEALED = "concealed", "Names are concealed"
    NOT_ALLOWED = "not_allowed", "Nobody has consented"
    FAILED = "failed", "Could not be read"


LEARNT = frozenset(AlertKind.values[:8])
