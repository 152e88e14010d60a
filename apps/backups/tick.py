"""Who runs next. The database is the queue of record; the broker gets only what workers can take on soon.

Each tick:
1. counts what runs or was sent (live leases), and stops when that is twice what all workers can run at once;
2. picks what is due: on demand first, then one entity of each account in turn; inside an account by the
   precedence of tasks and entities, then the most overdue first; of a task no more than its limit;
3. marks the picked ones with a token, in one conditional UPDATE, so that two ticks never send one twice;
4. sends one message each. What cannot be sent is given back; what gets lost is sent again later.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber
from kombu.exceptions import KombuError

from apps.accounts.selectors import stopped_accounts
from apps.core import clock

from .engine.lease import DISPATCHED
from .enums import EntityState
from .models import Entity

logger = logging.getLogger("everkeep.backups")
# How long a message may lie in the broker before it counts as lost. Too early costs nothing: a late message
# finds another token and does nothing.
MESSAGE_LIFE = timedelta(minutes=10)
RUN_ENTITY = "apps.backups.tasks.run_entity"
Picked = tuple[int, int]  # account, entity


def dispatch_due() -> int:
    """Send what is due and fits; returns how many. Query count constant, whatever is due."""
    room = 2 * settings.BACKUP_WORKERS - _held().count()
    if room <= 0:
        return 0
    token = f"{DISPATCHED}{uuid.uuid4().hex}"
    marked = _mark(_pick(room), token)
    return _send(marked, token)


def _held() -> "QuerySet[Entity]":
    return Entity.objects.filter(~Q(lease_owner=""), lease_until__gte=clock.now())


def _due() -> "QuerySet[Entity]":
    now = clock.now()
    free = Q(lease_owner="") | Q(lease_until__lt=now)
    awake = ~Q(account__in=stopped_accounts())
    return Entity.objects.filter(free, awake, state=EntityState.ACTIVE, next_run_at__lte=now)


def _pick(room: int) -> list[int]:
    """What an account puts first counts inside the account only: between accounts it is one in turn."""
    order = [F("run_priority"), F("task__precedence"), F("precedence"), F("next_run_at"), F("id")]
    turn = Window(RowNumber(), partition_by=F("account_id"), order_by=order)
    turn_in_task = Window(RowNumber(), partition_by=F("task_id"), order_by=order)
    fits = Q(task__concurrency=None) | Q(turn_in_task__lte=F("task__concurrency") - F("held"))
    rows = _due().annotate(held=_held_of_task()).annotate(turn_in_task=turn_in_task).filter(fits)
    fair = rows.annotate(turn=turn).order_by("run_priority", "turn", "next_run_at", "id")
    return list(fair.values_list("pk", flat=True)[:room])


def _held_of_task() -> Case:
    """How many of the task are under way; counted only where the task sets a limit."""
    counted = _held().filter(task_id=OuterRef("task_id")).order_by().values("task_id").annotate(n=Count("pk"))
    held = Coalesce(Subquery(counted.values("n")), Value(0))
    return Case(When(task__concurrency=None, then=Value(0)), default=held, output_field=IntegerField())


def _mark(ids: Sequence[int], token: str) -> list[Picked]:
    """Reserve what is still free; rows that another tick looks at right now are left to it."""
    with transaction.atomic():
        rows = _due().filter(pk__in=ids)
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
