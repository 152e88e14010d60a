"""Destroy what is kept of one entity, under its lease. May be killed anywhere and is then called again.

1. Snapshots go, in one transaction: from here on nothing of the entity is shown, offered or restored.
2. Versions go, in batches: what only they referred to is garbage, which gc collects after its own grace.
3. Journals go from the stores, so that no rebuild brings the entity back. What one of the stores keeps, because
   it is locked or the store does not answer, is noted, and tried again each hour (`work._prune`).
4. The row goes with all that hangs on it; where the source still exists, a new one stands there, not active,
   and marked as a person's decision: no rule of activation starts it.

Until 4 the entity stands there as being deleted, so that whoever comes next goes on.
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import F

from apps.connectors.enums import SubService
from apps.core import clock
from apps.core.errors import Conflict
from apps.vault.api import (
    Chain,
    ContentCorrupt,
    ObjectLocked,
    VaultError,
    decode_content,
    open_journals,
    vault_own,
)

from ..engine.lease import Lease, held
from ..enums import EntityState
from ..erasure.proof import ORDERED, follow_ordered
from ..erasure.remembered import carry_over
from ..holds import on_hold
from ..models import Deletion, Entity, Erasure, NodeVersion, Run, Snapshot

logger = logging.getLogger("everkeep.deletion")
BATCH: Final = 2_000
BUSY: Final = timedelta(hours=1)
ON_HOLD: Final = "One of them is on legal hold."
FACTS = (
    "account_id",
    "task_id",
    "remote_id",
    "kind",
    "name",
    "address",
    "licensed",
    "reachable",
    "properties",
    "limited",
)


@dataclass(slots=True)
class Gone:
    """What went, in numbers; `left`: chains of journals that the store keeps for now."""

    snapshots: int = 0
    versions: int = 0
    journals: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


def destroy(entity: Entity, deletion: Deletion, *, comes_back: bool) -> None:
    """Delete all that is kept of an entity. In the account's scope. Raises LeaseLost, Conflict, VaultError."""
    gone = Gone()
    with held(account_id=entity.account_id, entity_id=entity.pk) as lease:
        with lease.guard():
            # Asked under the lock of the row: who places a hold waits for it, or was here before.
            if on_hold([entity.pk]):
                raise Conflict(ON_HOLD)
            follow_ordered(entity)
            gone.snapshots = Snapshot.objects.filter(entity=entity).delete()[1].get("backups.Snapshot", 0)
        _versions(entity, deletion, lease, gone)
        _journals(entity, lease, gone)
        with lease.guard():
            Run.objects.filter(entity=entity).delete()
            facts = {name: getattr(entity, name) for name in FACTS}
            fresh = Entity(state=EntityState.NOT_ACTIVE, by_hand=not deletion.by_leaving, **facts)
            _settle_erasures(entity)
            Entity.objects.filter(pk=entity.pk).delete()
            if comes_back:
                fresh.save()
                carry_over([fresh])
            _note(deletion, gone)


def _settle_erasures(entity: Entity) -> None:
    """What was ordered to be erased is, with all else: it must not come back when the mailbox does."""
    Erasure.objects.filter(entity=entity).update(limited=entity.limited)
    for erasure in Erasure.objects.filter(entity=entity, state__in=ORDERED):
        count = erasure.items.filter(erased_at=None).update(erased_at=clock.now())
        erasure.proof = {**erasure.proof, "items": erasure.proof.get("items", 0) + count}
        erasure.save(update_fields=["proof"])


def _note(deletion: Deletion, gone: Gone) -> None:
    """Write down what went with the entity's row itself: nobody could find out later."""
    proof = dict(deletion.proof)
    for name in ("snapshots", "versions", "journals"):
        proof[name] = proof.get(name, 0) + getattr(gone, name)
    deletion.proof = {**proof, "entities": proof.get("entities", 0) + 1}
    deletion.left = [*deletion.left, *(list(each) for each in gone.left)]
    deletion.busy_until = clock.now() + BUSY
    deletion.save(update_fields=["proof", "left", "busy_until"])


def _versions(entity: Entity, deletion: Deletion, lease: Lease, gone: Gone) -> None:
    rows = NodeVersion.objects.filter(account_id=entity.account_id, entity_id=entity.pk)
    while batch := list(rows.values_list("pk", "content")[:BATCH]):
        references = sum(references_in(bytes(content)) for _, content in batch if content)
        with lease.guard():
            NodeVersion.objects.filter(pk__in=[pk for pk, _ in batch])._raw_delete(using=connection.alias)
            Deletion.objects.filter(pk=deletion.pk).update(references=F("references") + references)
        gone.versions += len(batch)


def references_in(content: bytes) -> int:
    """How many blobs a content list names; none when it cannot be read."""
    try:
        return sum(len(part.blobs) for part in decode_content(content))
    except ContentCorrupt:
        return 0


def _journals(entity: Entity, lease: Lease, gone: Gone) -> None:
    for kind in SubService.values:
        deleted, locked = remove_journals(entity.account_id, Chain(entity.public_id, kind), lease)
        gone.journals += deleted
        if locked:
            gone.left.append((str(entity.public_id), kind))


def remove_journals(account_id: int, chain: Chain, lease: Lease | None = None) -> tuple[int, int]:
    """Delete every object of a chain; returns how many went, and how many the store keeps for now."""
    vault_own(account_id=account_id)
    deleted = locked = 0
    folder = open_journals(account_id)
    for name, part, _ in list(folder.list(chain)):
        if lease is not None:
            lease.renew()
        try:
            folder.remove(name, part)
        except ObjectLocked:
            locked += 1
        except VaultError as error:  # one of several stores is away: the next object would meet the same
            logger.warning("journals of %s stay for now: %s", chain.entity, error)
            return deleted, locked + 1
        else:
            deleted += 1
    return deleted, locked
