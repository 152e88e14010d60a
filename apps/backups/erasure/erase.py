"""Erase items under their entity's lease. May be killed anywhere and is then called again.

1. In one transaction for each kind of data: the versions go from all snapshots, whose totals follow; so does
   what names them elsewhere (issues, damage, what upper apps keep). From here on no run stores them again.
2. The kind's journals become one base without them, and those before it go from the stores: no rebuild brings
   them back. What a store keeps under a lock is tried again each hour.
3. gc frees the bytes (V7), and rewrites packs that hold them beside others (`proof.packs_to_empty`).
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from apps.core import clock
from apps.core.errors import Conflict
from apps.vault.api import Chain, ObjectLocked, VaultError, open_journals, vault_own

from ..catalog import in_batches
from ..deletion.destroy import references_in
from ..engine.lease import Lease, held
from ..journals.compacting import journals_compact, journals_prune
from ..models import DamagedItem, Entity, ErasedItem, Erasure, NodeVersion, RunIssue, Snapshot
from ..models.catalog import hash_of, key_of
from ..registry import ErasedVersions, erase_elsewhere, forgotten
from .chosen import holds_on, versions_of
from .proof import follow_versions
from .remembered import hash_in

logger = logging.getLogger("everkeep.erasure")
COMPACTED: Final = "journals written anew"  # in `proof`: kinds, with the number of the base
UNKNOWN_BACKUPS: Final = "There are later backups in the store, which the operator has to take in first."
ON_HOLD: Final = "On legal hold."  # names of holds are not for all who see erasures


def erase(entity: Entity, erasure: Erasure) -> None:
    """Take the items out of every snapshot, then the journals. Raises LeaseLost, Conflict, VaultError."""
    for kind in sorted(set(ErasedItem.objects.filter(erasure=erasure).values_list("sub_service", flat=True))):
        with held(account_id=entity.account_id, entity_id=entity.pk) as lease:
            _rows(entity, erasure, kind, lease)
        clean_journals(entity, erasure, kind)


def _rows(entity: Entity, erasure: Erasure, kind: str, lease: Lease) -> None:
    items = ErasedItem.objects.filter(erasure=erasure, sub_service=kind, erased_at=None)
    with lease.guard():
        keys = set(items.values_list("key", flat=True))
        if not keys:
            return
        # Asked under the lock of the row: who places a hold waits for it, or was here before.
        if holds_on(erasure, entity):
            raise Conflict(ON_HOLD)
        ids = versions_of(entity, kind, keys)
        versions = [row for some in in_batches(ids) for row in NodeVersion.objects.filter(pk__in=some)]
        follow_versions(erasure)
        _count_anew(entity, kind, versions)
        numbers = erase_elsewhere(ErasedVersions(entity.public_id, kind, ids, keys))
        forgotten(entity.pk, ids)
        numbers["issues"] = _forget_words(entity, kind, keys)
        for some in in_batches(ids):
            NodeVersion.objects.filter(pk__in=some)._raw_delete(using=connection.alias)
        for row in versions:
            if row.gone is None:
                items.filter(key=key_of(row.remote_id)).update(place=row.parent_id or "")
        items.update(erased_at=clock.now())
        erasure.references += sum(references_in(bytes(row.content)) for row in versions if row.content)
        numbers |= {"items": len(keys), "versions": len(versions)}
        erasure.proof = erasure.proof | {
            name: erasure.proof.get(name, 0) + count for name, count in numbers.items()
        }
        erasure.save(update_fields=["references", "proof"])


def _forget_words(entity: Entity, kind: str, keys: set[str]) -> int:
    """Take away what runs and checks wrote down about these items, with their names."""
    count, hashes = 0, sorted(map(hash_in, keys))
    issues = RunIssue.objects.filter(entity=entity, sub_service=kind)
    named = [pk for pk, name in issues.values_list("pk", "remote_id").iterator() if key_of(name) in keys]
    for pks in in_batches(named):
        count += issues.filter(pk__in=pks).delete()[0]
    for some in in_batches(hashes):
        DamagedItem.objects.filter(entity=entity, sub_service=kind, remote_hash__in=some).delete()
    return count


@dataclass(slots=True)
class _Less:
    """What one snapshot holds less."""

    items: int = 0
    size: int = 0
    folders: dict[str, list[int]] = field(default_factory=dict)

    def add(self, row: NodeVersion) -> None:
        self.items += 1
        self.size += row.size
        folder = self.folders.setdefault(row.parent_id or "", [0, 0])
        folder[0] += 1
        folder[1] += row.size


def _count_anew(entity: Entity, kind: str, versions: Sequence[NodeVersion]) -> None:
    """Bring totals, counts of changes and the ledger of every snapshot in line with what is left."""
    moves = _moves(versions)
    for snapshot in Snapshot.objects.filter(entity=entity, sub_service=kind).order_by("number"):
        number, less = snapshot.number, _Less()
        for row in versions:
            if row.first <= number and (row.gone is None or row.gone > number):
                less.add(row)
        added, changed, removed = moves.get(number, (0, 0, 0))
        if not (less.items or added or changed or removed):
            continue
        snapshot.items, snapshot.size = snapshot.items - less.items, snapshot.size - less.size
        snapshot.added = max(0, snapshot.added - added)
        snapshot.changed = max(0, snapshot.changed - changed)
        snapshot.removed = max(0, snapshot.removed - removed)
        for folder_id, (count, size) in less.folders.items():
            _take(snapshot, folder_id, count, size)
        snapshot.save(
            update_fields=["items", "size", "added", "changed", "removed", "folder_totals", "coverage"]
        )
    _count_entity(entity)


def _take(snapshot: Snapshot, folder_id: str, count: int, size: int) -> None:
    """Take items out of one folder's totals; its ledger then says that they were left out."""
    had = snapshot.folder_totals.get(folder_id, [0, 0])
    left = [max(0, had[0] - count), max(0, had[1] - size)]
    snapshot.folder_totals = {**snapshot.folder_totals, folder_id: left}
    if not left[0]:
        snapshot.folder_totals = {key: each for key, each in snapshot.folder_totals.items() if key != folder_id}
    row = snapshot.coverage.get(folder_id)
    if row is None:
        return
    row = {**row, "captured": max(0, row.get("captured", 0) - count)}
    for word in ("skipped", "skipped erased"):
        row[word] = row.get(word, 0) + count
    snapshot.coverage = {**snapshot.coverage, folder_id: row}


def _moves(versions: Sequence[NodeVersion]) -> dict[int, tuple[int, int, int]]:
    """Return how many items each number added, changed and removed, of these alone."""
    begins, ends = defaultdict[int, set[int]](set), defaultdict[int, set[int]](set)
    for row in versions:
        begins[row.first].add(hash_of(row.remote_id))
        if row.gone is not None:
            ends[row.gone].add(hash_of(row.remote_id))
    return {
        number: (
            len(begins[number] - ends[number]),
            len(begins[number] & ends[number]),
            len(ends[number] - begins[number]),
        )
        for number in begins.keys() | ends.keys()
    }


def _count_entity(entity: Entity) -> None:
    own = Snapshot.objects.filter(entity=entity).order_by("number")
    newest = {kind: (items, size) for kind, items, size in own.values_list("sub_service", "items", "size")}
    Entity.objects.filter(pk=entity.pk).update(
        items=sum(items for items, _ in newest.values()), size=sum(size for _, size in newest.values())
    )


def clean_journals(entity: Entity, erasure: Erasure, kind: str) -> bool:
    """Rewrite the journals of one kind of data, and take the old ones away. True when none of them is left."""
    bases = erasure.proof.get(COMPACTED, {})
    if kind not in bases:
        there = Snapshot.objects.filter(entity=entity, sub_service=kind).exists()
        number = journals_compact(entity=entity, sub_service=kind).number if there else 0
        bases = {**bases, kind: number}
        erasure.proof = {**erasure.proof, COMPACTED: bases}
        erasure.save(update_fields=["proof"])
    # Later ones were written without the items: a store that locks each of them would be waited for always.
    upto = bases[kind] + 1  # a run that died had one number more
    pruned = journals_prune(entity=entity, sub_service=kind, counted_upto=upto)
    locked = pruned.locked + _strays(entity, kind, upto)
    left = set(erasure.left) - {kind} | ({kind} if locked else set())
    if sorted(left) != erasure.left:
        erasure.left = sorted(left)
        erasure.save(update_fields=["left"])
    return not locked


def _strays(entity: Entity, kind: str, upto: int) -> int:
    """Delete what runs that died have left beyond the newest snapshot; returns how many up to `upto` stay.

    Nothing of theirs is lost: their rows are in the database, and the next run adopts them. Such a run leaves
    one number at most: more is the only record of backups that an old dump of the database does not have.
    Raises Conflict then.
    """
    kept = 0
    with held(account_id=entity.account_id, entity_id=entity.pk) as lease:
        vault_own(account_id=entity.account_id)
        numbers = Snapshot.objects.filter(entity=entity, sub_service=kind).order_by("-number")
        newest = numbers.values_list("number", flat=True).first() or 0
        folder = open_journals(entity.account_id, entity.task.shelf)
        found = [row for row in folder.list(Chain(entity.public_id, kind)) if row[0].number > newest]
        if any(name.number > newest + 1 for name, _, _ in found):
            raise Conflict(UNKNOWN_BACKUPS, do="For the operator: manage.py vault rebuild.")
        for name, part, _ in found:
            lease.renew()
            try:
                folder.remove(name, part)
            except ObjectLocked:
                kept += name.number <= upto
            except VaultError as error:
                logger.warning("a record of %s stays for now: %s", entity.public_id, error)
                kept += name.number <= upto
    return kept
