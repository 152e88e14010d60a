"""Who runs next. The database is the queue of record; the broker gets only what workers can take on soon.

Each tick:
1. counts what runs or was sent (live leases), and stops when that is twice what all workers can run at once;
2. sees which tasks wait for a hook's answer (`hooks.rounds`), and picks of the others what is due, one entity
   of each account in turn (`turns`);
3. marks the picked ones with a token, in one conditional UPDATE, so that two ticks never send one twice;
4. sends one message each. What cannot be sent is given back; what gets lost is sent again later;
5. notes which accounts were served, since others come first next time.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from kombu.exceptions import KombuError

from apps.core import clock

from .engine.lease import DISPATCHED
from .hooks.rounds import closed_tasks
from .models import Entity
from .turns import due, note_turns, pick

logger = logging.getLogger("everkeep.backups")
# How long a message may lie in the broker before it counts as lost. Too early costs nothing: a late message
# finds another token and does nothing.
MESSAGE_LIFE = timedelta(minutes=10)
RUN_ENTITY = "apps.backups.tasks.run_entity"
Picked = tuple[int, int]  # account, entity


def dispatch_due() -> int:
    """Send what is due and fits; returns how many."""
    token = f"{DISPATCHED}{uuid.uuid4().hex}"
    wanted = pick(settings.BACKUP_WORKERS, closed_tasks())
    if not wanted:
        return 0
    picked = _mark(wanted, token)
    sent = _send(picked, token)
    note_turns(account_id for account_id, _ in picked[:sent])
    return sent


def _mark(ids: Sequence[int], token: str) -> list[Picked]:
    """Reserve what is still free; rows that another tick looks at right now are left to it."""
    with transaction.atomic():
        rows = due().filter(pk__in=ids)
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        free = list(rows.values_list("account_id", "pk"))
        Entity.objects.filter(pk__in=[pk for _, pk in free]).update(
            lease_owner=token, lease_until=clock.now() + MESSAGE_LIFE
        )
    order = {pk: place for place, pk in enumerate(ids)}
    return sorted(free, key=lambda picked: order[picked[1]])


def _send(picked: Sequence[Picked], token: str) -> int:
    for sent, (account_id, entity_id) in enumerate(picked):
        try:
            current_app.send_task(
                RUN_ENTITY,
                kwargs={"account_id": account_id, "entity_id": entity_id, "token": token},
                queue="backup",
                expires=MESSAGE_LIFE.total_seconds(),
            )
        except (KombuError, OSError) as error:
            logger.warning("the broker takes no messages (%s): backups wait for the next tick", error)
            unsent = [pk for _, pk in picked[sent:]]
            Entity.objects.filter(pk__in=unsent, lease_owner=token).update(lease_owner="", lease_until=None)
            return sent
    return len(picked)
