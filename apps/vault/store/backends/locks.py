"""Immutability: objects that nobody, not even we, can delete or change before a day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from ..errors import LockUnsupported, StoreRefused

MAX_DAYS: Final = 36_500
FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)  # a legal hold
LOCK_SLACK: Final = timedelta(hours=1)  # what an upload may take off its lock without another request
AUDIT_HEADS: Final = "audit/"  # daily heads of the account's security audit
LOCKED_FOLDERS: Final = {"packs", "journals", "audit"}


class LockMode(StrEnum):
    """How strong a lock is. Both hold against us; with GOVERNANCE the owner of the bucket keeps a way out."""

    GOVERNANCE = "governance"  # Azure and Google call it "unlocked": who has a special right may lift it
    COMPLIANCE = "compliance"  # "locked": nobody may, not even the provider's support


@dataclass(frozen=True, slots=True)
class Lock:
    """What a store sets on each pack and journal when it writes it: kept at least `days` days."""

    mode: LockMode
    days: int

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MAX_DAYS:
            raise StoreRefused(
                f"A lock of {self.days} days cannot be.", do=f"Choose between 1 and {MAX_DAYS} days."
            )

    def until(self, moment: datetime | None = None) -> datetime:
        """Return the day up to which something written at `moment` (now) is kept."""
        return ((moment or datetime.now(UTC)) + timedelta(days=self.days)).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class BucketLocks:
    """What a bucket says of locks. None: it does not tell us, or has no such setting."""

    possible: bool | None
    default: str = ""  # what it puts on every object by itself, in words


def holds_data(key: str) -> bool:
    """Tell whether a lock belongs on this object: packs, journals, heads of the audit.

    Key envelopes stay deletable, or neither rotation nor the shredding of an account could be carried out.
    """
    return not LOCKED_FOLDERS.isdisjoint(key.split("/")[:-1])


def cannot_lock(what: str) -> LockUnsupported:
    """Return the error of a store that knows no locks."""
    return LockUnsupported(
        f"{what} cannot protect backups against deletion.",
        do="Use a bucket with Object Lock, or switch immutability off for this store.",
    )
