"""What is done each night: marks follow the rules, and what is due goes. Safe to call at any time."""

import logging
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.selectors import stopped_accounts
from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.scope import every_account
from apps.core.sight import whole_sight

from ..errors import LeaseLost
from ..models import BackupTask, Entity, EntityTag, Expiry, HeldPart, Hold, Snapshot
from ..selectors.policies import groups_of
from .archived import order_archived
from .expiry import expire
from .inforce import of_ruling
from .marking import mark
from .rules import KeepAll, Rule

logger = logging.getLogger("everkeep.backups")


@dataclass(slots=True)
class Night:
    """What a night came to. `ordered` archived ones are to be deleted, `waiting` were at work."""

    marked: int = 0
    gone: int = 0
    ordered: int = 0
    waiting: int = 0
    failed: int = 0


def accounts_to_look_after() -> list[int]:
    """Return the accounts that have backups and whose work goes on."""
    with every_account("retention of all accounts is looked after"):
        rows = BackupTask.objects.exclude(account__in=stopped_accounts())
        return sorted(set(rows.values_list("account_id", flat=True)))


@whole_sight("a rule holds for everything it is set for")
def night() -> Night:
    """Look after every entity of the account in force. What fails is tried again the next night."""
    done = Night()
    _hold_on()
    for task in BackupTask.objects.select_related("policy").order_by("pk"):
        for ruling, entities in groups_of(task, "retention"):
            rule = of_ruling(ruling).rule
            _archived(entities, rule, done)
            for entity_id in _to_look_at(entities, rule):
                _one(entity_id, rule, done)
    return done


def _to_look_at(entities: "QuerySet[Entity]", rule: Rule) -> list[int]:
    """Where everything is kept, only what was marked before or is not finished needs a look."""
    ids = entities.order_by().values("pk")
    wanted = Snapshot.objects.filter(entity_id__in=ids)
    if isinstance(rule.keep, KeepAll):
        wanted = wanted.filter(goes_at__isnull=False)
    unfinished = Expiry.objects.filter(entity_id__in=ids, finished_at=None)
    found = set(wanted.order_by().values_list("entity_id", flat=True).distinct())
    return sorted(found | set(unfinished.values_list("entity_id", flat=True)))


def _archived(entities: "QuerySet[Entity]", rule: Rule, done: Night) -> None:
    try:
        done.ordered += order_archived(entities, rule)
    except EverkeepError as error:
        done.failed += 1
        logger.warning("archived backups stay for now: %s", error)


def _one(entity_id: int, rule: Rule, done: Night) -> None:
    entity = Entity.objects.select_related("task__connection", "task__account", "task__policy").get(
        pk=entity_id
    )
    try:
        done.marked += mark(entity, rule, now=clock.now())
        done.gone += expire(entity)
    except LeaseLost:
        done.waiting += 1
    except EverkeepError as error:
        done.failed += 1
        logger.warning("entity %s: its old backups stay for now: %s", entity.public_id, error)


def _hold_on() -> None:
    """What carries the tag of a hold stays on hold, also when the tag is taken off it later."""
    for hold in Hold.objects.filter(tag__isnull=False, lifted_at=None):
        tagged = EntityTag.objects.filter(tag__holds=hold).exclude(
            entity__in=hold.parts.filter(remote_hash=None).values("entity")
        )
        HeldPart.objects.bulk_create(
            HeldPart(account_id=hold.account_id, hold=hold, entity=row.entity, label=row.entity.name[:500])
            for row in tagged.select_related("entity")
        )
