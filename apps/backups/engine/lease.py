"""Who may write for an entity right now. Every write of a run happens under its lease or not at all."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from apps.core import clock

from ..enums import EntityState, Verdict
from ..errors import LeaseLost
from ..models import Entity, Run

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 20
DISPATCHED = "dispatched:"  # begins the owner of a lease that the tick wrote for a message
INTERRUPTED = "The backup was interrupted before it could finish. The next run goes on from there."


@dataclass(frozen=True, slots=True)
class Lease:
    """Held by one run of one entity until it is released or not renewed for 60 seconds."""

    account_id: int
    entity_id: int
    owner: str

    def renew(self) -> bool:
        """Prolong; returns whether a person asked to cancel. Raises LeaseLost when another run took over."""
        mine = Entity.objects.filter(pk=self.entity_id, lease_owner=self.owner)
        if not mine.update(lease_until=clock.now() + LEASE):
            raise LeaseLost("Another worker has taken over this backup.")
        return self.cancel_requested()

    def cancel_requested(self) -> bool:
        """Tell whether a person asked to cancel. Raises LeaseLost when another run took over."""
        mine = Entity.objects.filter(pk=self.entity_id, lease_owner=self.owner)
        asked = mine.values_list("cancel_requested", flat=True).first()
        if asked is None:
            raise LeaseLost("Another worker has taken over this backup.")
        return asked

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Open a transaction that starts by renewing, so that it can only commit under the lease."""
        with transaction.atomic():
            self.renew()
            yield


def claim(*, account_id: int, entity_id: int, token: str = "") -> Lease | None:
    """Take the entity, or return None when it is not ours to run.

    With `token` (what the tick wrote when it sent the message) only that very dispatch is honoured, so a
    message that comes late or twice does nothing. Without, only an entity that nobody holds is taken.
    """
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    now = clock.now()
    free = Q(lease_owner=token) if token else Q(lease_owner="") | Q(lease_until__lt=now)
    claimed = Entity.objects.filter(free, pk=entity_id, account_id=account_id, state=EntityState.ACTIVE).update(
        lease_owner=owner, lease_until=now + LEASE, cancel_requested=False
    )
    if not claimed:
        return None
    close_interrupted(entity_id)
    return Lease(account_id, entity_id, owner)


def close_interrupted(entity_id: int) -> None:
    """Close the row of a run whose worker died: nobody else holds the entity, so it cannot be alive."""
    Run.objects.filter(entity_id=entity_id, verdict=Verdict.RUNNING).update(
        verdict=Verdict.FAILED, message=INTERRUPTED, finished_at=clock.now()
    )
