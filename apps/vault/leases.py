"""Who maintains a vault right now (V15): garbage collection, migration, rebuild. One owner per account.

    with maintenance(account_id, "garbage collection") as lease:
        lease.renew()                 # at each step of the work; raises when somebody else took over
        with lease.guard():           # a transaction that can only commit while the vault is ours
            ...

Backups and readers need none: they may go on beside all of these. Everything here wants the account's scope.
"""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from apps.core import clock

from .errors import VaultBusy
from .models import VaultLease
from .ownership import vault_own

LEASE: Final = timedelta(minutes=15)  # longer than one pack takes on the slowest store, all tries included


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Held by one process until it ends its block or is silent for LEASE."""

    account_id: int
    owner: str

    def renew(self) -> None:
        """Prolong. Raises VaultBusy when another process has taken over: then nothing more may be written."""
        mine = VaultLease.objects.filter(account_id=self.account_id, owner=self.owner)
        if not mine.update(until=clock.now() + LEASE):
            raise VaultBusy("Another process has taken over the maintenance of this vault.")

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Open a transaction that starts by renewing, so that it commits under the lease or not at all."""
        with transaction.atomic():
            self.renew()
            yield


@contextmanager
def maintenance(account_id: int, purpose: str) -> Iterator[Maintenance]:
    """Hold the vault's one lease for maintenance.

    Raises VaultBusy when another process does, VaultTaken when another installation has the vault (V20).
    """
    lease = _claim(account_id, purpose)
    try:
        vault_own(account_id=account_id)
        yield lease
    finally:
        VaultLease.objects.filter(account_id=account_id, owner=lease.owner).update(
            owner="", purpose="", until=None
        )


def _claim(account_id: int, purpose: str) -> Maintenance:
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    VaultLease.objects.get_or_create(account_id=account_id)
    now = clock.now()
    free = Q(owner="") | Q(until__lt=now)
    taken = VaultLease.objects.filter(free, account_id=account_id).update(
        owner=owner, purpose=purpose[:40], until=now + LEASE
    )
    if not taken:
        holder = VaultLease.objects.get(account_id=account_id)
        raise VaultBusy(
            f"This vault is under maintenance already ({holder.purpose}).",
            do=f"It ends by itself; a dead process gives way at {holder.until:%H:%M} UTC."
            if holder.until
            else "Try again.",
        )
    return Maintenance(account_id, owner)
