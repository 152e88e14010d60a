"""Who may write for an entity right now. Every write of a run happens under its lease or not at all."""

import logging
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.core import clock

from ..enums import EntityState, Verdict
from ..errors import LeaseLost
from ..models import Entity, Run
from .pace import ROUTINE, after_failure, entity_now

logger = logging.getLogger("everkeep.backups")
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

    def put_off(self, until: datetime | None) -> None:
        """Give the entity back unrun: it may not begin now by itself."""
        mine = Entity.objects.filter(pk=self.entity_id, lease_owner=self.owner)
        mine.update(lease_owner="", lease_until=None, next_run_at=until, run_priority=ROUTINE, run_trigger="")

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
        if token:  # paused or deleted on its way here: nothing waits for this message any more
            sent = Entity.objects.filter(pk=entity_id, account_id=account_id, lease_owner=token)
            sent.exclude(state=EntityState.ACTIVE).update(lease_owner="", lease_until=None)
        return None
    if _close_interrupted(entity_id) and _died_before(entity_id):
        _rest(entity_now(entity_id), owner)
        return None
    return Lease(account_id, entity_id, owner)


@contextmanager
def held(*, account_id: int, entity_id: int) -> Iterator[Lease]:
    """Keep runs off an entity while its catalog is worked on. Raises LeaseLost while a run has it."""
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    now = clock.now()
    rows = Entity.objects.filter(pk=entity_id, account_id=account_id)
    free = rows.filter(Q(lease_owner="") | Q(lease_until__lt=now))
    if not free.update(lease_owner=owner, lease_until=now + LEASE):
        raise LeaseLost("A backup of this entity is at work.")
    _close_interrupted(entity_id)
    try:
        yield Lease(account_id, entity_id, owner)
    finally:
        rows.filter(lease_owner=owner).update(lease_owner="", lease_until=None)


def _close_interrupted(entity_id: int) -> bool:
    """Close the row of a run whose worker died: nobody else holds the entity, so it cannot be alive."""
    alive = Run.objects.filter(entity_id=entity_id, verdict=Verdict.RUNNING)
    return bool(alive.update(verdict=Verdict.FAILED, message=INTERRUPTED, finished_at=clock.now()))


def _died_before(entity_id: int) -> bool:
    """Tell whether the last two runs died. One death may be a restart: the run goes on at once."""
    last = Run.objects.filter(entity_id=entity_id).order_by("-started_at", "-id")
    messages = list(last.values_list("message", flat=True)[:2])
    return messages == [INTERRUPTED] * 2


def _rest(entity: Entity, owner: str) -> None:
    """Wait as after any failure: what kills its worker each time must not do so every minute."""
    until = after_failure(entity)
    logger.warning("entity %s: its backups die again and again; the next one is at %s", entity.public_id, until)
    Entity.objects.filter(pk=entity.pk, lease_owner=owner).update(
        lease_owner="", lease_until=None, next_run_at=until
    )
