"""One indexer per account: who holds the lease of its index."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from apps.core import clock

from .errors import IndexLeaseLost
from .models import SearchIndex

LEASE: Final = timedelta(minutes=10)  # longer than the longest stretch between two renewals


@dataclass(frozen=True, slots=True)
class IndexLease:
    """Held by one process until it ends its block or is silent for LEASE."""

    account_id: int
    owner: str

    def renew(self, **changes: Any) -> None:
        """Prolong, and change the row with it. Raises IndexLeaseLost: then nothing more may be written."""
        mine = SearchIndex.objects.filter(account_id=self.account_id, lease_owner=self.owner)
        if not mine.update(lease_until=clock.now() + LEASE, **changes):
            raise IndexLeaseLost("Another process has taken over the index of this account.")

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Open a transaction that commits under the lease or not at all."""
        with transaction.atomic():
            self.renew()
            yield


@contextmanager
def index_lease(account_id: int) -> Iterator[IndexLease | None]:
    """Hold the lease of an account's index; None when another process does."""
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    SearchIndex.objects.get_or_create(account_id=account_id)
    now = clock.now()
    free = Q(lease_owner="") | Q(lease_until__lt=now)
    rows = SearchIndex.objects.filter(account_id=account_id)
    if not rows.filter(free).update(lease_owner=owner, lease_until=now + LEASE, served_at=now):
        yield None
        return
    try:
        yield IndexLease(account_id, owner)
    finally:
        rows.filter(lease_owner=owner).update(lease_owner="", lease_until=None)
