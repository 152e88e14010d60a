"""What every step of one garbage collection shares."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.db.models import F

from ..leases import Maintenance
from ..models import GcRound
from ..vaults import OpenVault

RENEW_SECONDS: Final = 30.0


@dataclass(slots=True)
class Work:
    """One account's vault under maintenance, and the round that is counted into."""

    vault: OpenVault
    lease: Maintenance
    round: GcRound
    freed: int = 0  # bytes of deleted objects, in this call
    _renewed: float = field(default_factory=time.monotonic)

    @property
    def account_id(self) -> int:
        return self.vault.account_id

    def beat(self) -> None:
        """Keep the lease; cheap enough for every turn of a loop. Raises VaultBusy when it is lost."""
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self.lease.renew()
            self._renewed = time.monotonic()

    def note(self, **values: object) -> None:
        """Write values to the round's row, in the caller's transaction if there is one."""
        GcRound.objects.filter(pk=self.round.pk).update(**values)
        for name, value in values.items():
            setattr(self.round, name, value)

    def count(self, **more: int) -> None:
        """Add to counters of the round's row."""
        GcRound.objects.filter(pk=self.round.pk).update(**{name: F(name) + n for name, n in more.items()})
        for name, number in more.items():
            setattr(self.round, name, getattr(self.round, name) + number)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a private folder for lists that do not fit the memory (TMPDIR says where), removed afterwards."""
    with TemporaryDirectory(prefix="everkeep-gc-") as folder:
        yield Path(folder)
