"""New rules that send mail on: the settings of a mailbox, compared with those of the backup before.

Each rule is judged for itself: one that cannot be read is noted and tried again, the others are told.

A rule that stood in the first backup is not new. Rules of the inbox are all that the provider tells: forwarding
that an administrator sets on a mailbox is not in its mailbox settings (docs/known-limits.md).
"""

import logging
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from apps.backups.models import Entity, Snapshot
from apps.backups.selectors.browse import AsOf, Node, as_of, contents
from apps.backups.selectors.compare import Difference, Pair, compare_page
from apps.connectors.documents import read_document
from apps.connectors.enums import SubService
from apps.connectors.services import forwarded_to
from apps.core import clock
from apps.vault.api import Role, decode_content, open_reader

from ..enums import AlertKind, Severity
from ..growth import addresses
from ..models import RuleLook
from ..services import alert_close, alert_raise
from ..wishes import is_wanted

logger = logging.getLogger("everkeep.alerts")
AT_ONCE: Final = 200
FIRST_PAUSE: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(hours=12)
NAMED: Final = 20
TRIES: Final = 20  # with these pauses: about eight days


def snapshot_came(sender: Any, instance: Snapshot, created: bool, **kwargs: Any) -> None:
    """Note settings that changed, in the transaction that commits them; they are read later."""
    changed = instance.added or instance.changed or instance.removed
    if created and changed and instance.number > 1 and instance.sub_service == SubService.SETTINGS:
        RuleLook.objects.get_or_create(
            account_id=instance.account_id, entity_id=instance.entity_id, snapshot_number=instance.number
        )


def look_at_rules() -> int:
    """Look at what is due of the account in force, in the order in which it came; returns how much was done."""
    done = 0
    due = RuleLook.objects.filter(next_at__lte=clock.now()).select_related("entity__task")
    for waiting in due.order_by("pk")[:AT_ONCE]:
        try:
            unread = look(waiting)
        except Exception:  # what is wrong with one mailbox must not keep the others from being looked at
            logger.exception("rules of %s were not compared", waiting.entity.public_id)
            _look_later(waiting, {})
            continue
        if unread:
            _look_later(waiting, unread)
            continue
        waiting.delete()
        done += 1
    return done


def _look_later(waiting: RuleLook, unread: dict[str, str]) -> None:
    """Try again after a while that doubles; after the last try somebody is told to look for themselves."""
    waiting.tries += 1
    waiting.unread = sorted(unread) or waiting.unread
    if waiting.tries < TRIES:
        waiting.next_at = clock.now() + min(FIRST_PAUSE * 2 ** (waiting.tries - 1), LONGEST_PAUSE)
        waiting.save(update_fields=["tries", "next_at", "unread"])
        return
    with transaction.atomic():
        entity = waiting.entity
        if is_wanted(AlertKind.FORWARDING):
            alert_raise(
                AlertKind.FORWARDING,
                f"forwarding-unread:{entity.public_id}",
                severity=Severity.WARNING,
                entity=entity,
                task=entity.task,
                sub_service=SubService.SETTINGS,
                snapshot_number=waiting.snapshot_number,
                facts={"unread": True, "count": len(unread), "rules": sorted(unread.values())[:NAMED]},
            )
        waiting.delete()


def look(waiting: RuleLook) -> dict[str, str]:
    """Compare one snapshot of settings with the one before it; returns the rules that cannot be read, by key.

    A second look asks only for those, and how they are by now: what changed meanwhile was judged already.
    """
    entity, number = waiting.entity, waiting.snapshot_number
    rows = Snapshot.objects.filter(entity=entity, sub_service=SubService.SETTINGS)
    older = rows.filter(number__lt=number).order_by("-number").first()
    newer = rows.filter(number__gte=number).order_by("-number" if waiting.tries else "number").first()
    if older is None or newer is None or (newer.number != number and not waiting.tries):
        return {}
    state, unread = as_of(newer), dict[str, str]()
    pair = Pair(state.account_id, entity.pk, SubService.SETTINGS, older.number, newer.number, state.hidden)
    after: str | None = None
    while True:
        page = compare_page([pair], after=after)
        for difference in page.rows:
            node = difference.node
            if waiting.unread and node.key not in waiting.unread:
                continue
            try:
                _judge(entity, state, difference)
            except Exception:  # nor must one rule keep the others from being told
                logger.exception("%s of %s was not compared", node.key, entity.public_id)
                unread[node.key] = node.name
        after = page.next
        if after is None:
            return unread


def _judge(entity: Entity, state: AsOf, difference: Difference) -> None:
    now = _forwards(state, difference.after)
    before = _before(state, difference) if now else now
    key = f"forwarding:{entity.public_id}:{difference.node.key}"
    if not now:
        alert_close(key)
    elif (new := now - before) and is_wanted(AlertKind.FORWARDING):
        outside = sorted(each for each in new if not _is_own(entity, each))
        alert_raise(
            AlertKind.FORWARDING,
            key,
            severity=Severity.CRITICAL if outside else Severity.NOTICE,
            entity=entity,
            task=entity.task,
            sub_service=SubService.SETTINGS,
            snapshot_number=state.number,
            facts={"rule": difference.node.name, "to": sorted(new), "outside": outside},
            growth=addresses,
        )


def _before(state: AsOf, difference: Difference) -> frozenset[str]:
    """To whom it sent before. What cannot be read may have been anything: then all of it is told as new."""
    try:
        return _forwards(state, difference.before)
    except Exception:
        logger.exception("%s could not be read as it was before", difference.node.key)
        return frozenset()


def _forwards(state: AsOf, node: Node | None) -> frozenset[str]:
    if node is None or node.is_folder:
        return frozenset()
    stored = contents(state, [node.id]).get(node.id)
    parts = decode_content(stored.content) if stored else ()
    main = next((part for part in parts if part.role == Role.PROPS), None)
    if main is None:
        return frozenset()
    return forwarded_to(node.remote_id, read_document(open_reader(state.account_id).read(main)))


def _is_own(entity: Entity, address: str) -> bool:
    """Whether an address is one of the organisation's: some mailbox of it has the same domain."""
    domain = "@" + address.rpartition("@")[2]
    return Entity.objects.filter(
        task__connection_id=entity.task.connection_id, address__iendswith=domain
    ).exists()
