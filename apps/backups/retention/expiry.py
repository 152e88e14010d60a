"""Let snapshots go whose mark is a week old, under the entity's lease. A crash anywhere leaves a whole state.

1. Decided anew: the rule, the holds and what is read right now may have changed since the mark was set.
2. In one transaction the snapshots' rows go, and an `Expiry` says that work is left.
3. Versions that no snapshot shows any more go, in batches. Until then nothing shows them.
4. The journals become one base that says what is left; then those before it go. gc frees the bytes (V7).
5. The `Expiry` is finished. What died between 2 and 5 is gone on with by the next night, from 3.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from django.db.models import Min

from apps.activity import services as activity
from apps.core import clock

from ..catalog import Draft, in_batches
from ..damage import blobs_of
from ..engine.lease import Lease, held
from ..enums import DamagedState
from ..erasure.proof import follow_ordered
from ..journals.compacting import journals_compact, journals_prune
from ..models import DamagedItem, Entity, Expiry, RunIssue, Snapshot
from ..registry import forgotten, in_use, part
from .inforce import of_entity
from .marking import chains, due
from .rules import Rule

logger = logging.getLogger("everkeep.backups")
# Compacting costs as much as the mailbox is large: of one kind of data no more often than this.
EVERY: Final = timedelta(days=7)
GONE: Final = "The backups that held the damaged state were let go by the rule of retention."


def expire(entity: Entity, *, now: datetime | None = None) -> int:
    """Let go what may go of this entity; returns how many snapshots. In the account's scope.

    Raises LeaseLost while a backup is at work, VaultError: the next night goes on.
    """
    now = now or clock.now()
    for unfinished in Expiry.objects.filter(entity=entity, finished_at=None).order_by("pk"):
        _carry_out(entity, unfinished)
    count = 0
    for sub_service in _ripe(entity, now):
        expiry = _let_go(entity, sub_service, now)
        if expiry is not None:
            count += expiry.snapshots
            _carry_out(entity, expiry)
    return count


def _ripe(entity: Entity, now: datetime) -> list[str]:
    """Return the kinds of data of which something is due and nothing went within a week."""
    lately = Expiry.objects.filter(entity=entity, started_at__gt=now - EVERY, started_at__lte=now)
    names = set(due(entity, now=now).values_list("sub_service", flat=True)) - set(
        lately.values_list("sub_service", flat=True)
    )
    return sorted(names)


def _let_go(entity: Entity, sub_service: str, now: datetime) -> Expiry | None:
    """Take the rows away that may go; None when none may."""
    with held(account_id=entity.account_id, entity_id=entity.pk) as lease, lease.guard():
        rule = _rule_now(entity)
        rows = due(entity, now=now).filter(sub_service=sub_service).only("number", "run_id", "taken_at")
        found = {row.pk: row for row in rows}
        read = in_use(found.keys())
        ripe = {row.number for key, row in found.items() if key not in read}
        fates = chains(entity, rule, now=now, ripe=ripe)
        going = set(next((each.going for each in fates if each.sub_service == sub_service), []))
        keys = sorted(key for key, row in found.items() if row.number in ripe & going)
        if not keys:
            return None
        moments = [found[key].taken_at for key in keys]
        expiry = Expiry.objects.create(
            account_id=entity.account_id,
            entity=entity,
            sub_service=sub_service,
            started_at=now,
            snapshots=len(keys),
            oldest_at=min(moments),
            newest_at=max(moments),
            rule=rule.words()[:300],
        )
        part(keys)
        runs = {found[key].run_id for key in keys}
        for pks in in_batches(keys):
            Snapshot.objects.filter(pk__in=pks).delete()
        issues = RunIssue.objects.filter(entity=entity, sub_service=sub_service, open=False)
        for pks in in_batches(sorted(runs)):
            issues.filter(run_id__in=pks).delete()
        oldest = Snapshot.objects.filter(entity=entity).aggregate(at=Min("taken_at"))["at"]
        Entity.objects.filter(pk=entity.pk).update(first_snapshot_at=oldest)
        _note(entity, expiry)
    return expiry


def _rule_now(entity: Entity) -> Rule:
    """Return the rule of this very moment: the work before may have taken long."""
    rows = Entity.objects.select_related("task__connection", "task__account", "task__policy")
    return of_entity(rows.get(pk=entity.pk)).rule


def _carry_out(entity: Entity, expiry: Expiry) -> None:
    """Take away what no snapshot shows any more, from tables and journals. May be called again."""
    sub_service = expiry.sub_service
    with held(account_id=entity.account_id, entity_id=entity.pk) as lease:
        gone = forget_unseen(entity, sub_service, lease)
        _settle_damage(entity, sub_service, lease)
    Expiry.objects.filter(pk=expiry.pk).update(
        versions=expiry.versions + gone.versions, blobs=expiry.blobs + gone.blobs
    )
    journals_compact(entity=entity, sub_service=sub_service)
    pruned = journals_prune(entity=entity, sub_service=sub_service)
    Expiry.objects.filter(pk=expiry.pk).update(finished_at=clock.now(), locked=pruned.locked)


@dataclass(slots=True)
class Gone:
    """Versions that went, and how many blobs they named."""

    versions: int = 0
    blobs: int = 0


def forget_unseen(entity: Entity, sub_service: str, lease: Lease) -> Gone:
    """Delete versions that began and ended between two snapshots that are left.

    What a run that is not committed has written carries numbers beyond the newest, and stays.
    """
    with lease.guard():
        follow_ordered(entity)
    left = Snapshot.objects.filter(entity=entity, sub_service=sub_service).order_by("number")
    numbers = [0, *left.values_list("number", flat=True)]
    draft, gone = Draft(entity.account_id, entity.pk, sub_service, numbers[-1], 0), Gone()
    for before, after in pairwise(numbers):
        if after - before == 1:
            continue
        rows = draft.rows().filter(first__gt=before, gone__gt=before, gone__lte=after)
        for pks in in_batches(list(rows.values_list("pk", flat=True))):
            contents = list(draft.by_id(pks).values_list("content", flat=True))
            with lease.guard():
                gone.versions += draft.by_id(pks).delete()[0]
                forgotten(entity.pk, pks)
            gone.blobs += sum(len(blobs_of(bytes(content))) for content in contents if content)
    return gone


def _settle_damage(entity: Entity, sub_service: str, lease: Lease) -> None:
    """Close damage of which no version is left, and count the versions of what is left anew."""
    draft = Draft(entity.account_id, entity.pk, sub_service, 0, 0)
    rows = DamagedItem.objects.filter(entity=entity, sub_service=sub_service)
    for row in rows.exclude(state=DamagedState.HEALED):
        contents = draft.rows().filter(remote_hash=row.remote_hash, remote_id=row.remote_id)
        bad = row.blob_ids()
        count = sum(bool(bad & blobs_of(bytes(each))) for each in contents.values_list("content", flat=True))
        if count == row.versions:
            continue
        with lease.guard():
            rows.filter(pk=row.pk).update(versions=count)
            if not count:
                rows.filter(pk=row.pk).update(
                    state=DamagedState.HEALED, what=GONE, settled_at=clock.now(), good_until=None
                )


def _note(entity: Entity, expiry: Expiry) -> None:
    oldest, newest = expiry.oldest_at, expiry.newest_at
    assert oldest is not None
    assert newest is not None
    activity.record(
        "retention.expired",
        service=entity.task.service,
        task_label=entity.task.name,
        item_label=entity.name,
        subject_id=entity.public_id,
        entity_id=entity.public_id,
        count=expiry.snapshots,
        audited=(
            f"{entity.name}, {expiry.sub_service}: {expiry.snapshots:,} backups of {oldest:%Y-%m-%d} to "
            f"{newest:%Y-%m-%d} let go. {expiry.rule}"
        ),
    )
