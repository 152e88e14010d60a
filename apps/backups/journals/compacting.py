"""One journal in place of many: when snapshots were deleted, and to keep a chain of years short.

1. `journals_compact` writes a base journal: all versions and snapshots that are left, up to one of them.
2. It is read back; then the snapshot rows name it. From here on nothing needs the journals before.
3. `journals_prune` deletes those, and what runs that died left behind.

A crash after 1 leaves a base that says the same as the journals it would replace; after 2, journals that the
next prune deletes. Both work under the entity's lease: no run, rebuild or other compaction meets them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.vault.api import (
    Chain,
    IssueLine,
    JournalCorrupt,
    JournalFolder,
    JournalName,
    ObjectLocked,
    SnapshotLine,
    open_journals,
    vault_own,
)

from ..catalog import Draft
from ..engine.lease import Lease, held
from ..models import Entity, RunIssue, Snapshot
from . import portrait
from .reading import version_lines
from .writing import finish, paced


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many objects were deleted, and how many the store keeps for now (Object Lock)."""

    deleted: int
    locked: int


def journals_compact(*, entity: Entity, sub_service: str, upto: int | None = None) -> JournalName:
    """Write a base journal of what the catalog holds up to a snapshot, by default the newest one.

    Costs as much as the mailbox is large, not what changed: for after a deletion, not for every night. In the
    account's scope. Raises LeaseLost while a backup is at work, VaultError with nothing changed.
    """
    snapshots = Snapshot.objects.filter(entity=entity, sub_service=sub_service).select_related("run")
    with held(account_id=entity.account_id, entity_id=entity.pk) as lease:
        last = snapshots.get(number=upto) if upto else snapshots.latest("number")
        folder = open_journals(entity.account_id, entity.task.shelf)
        name, count = _write(folder, entity, last, lease)
        if sum(1 for _ in folder.lines(folder.open(name))) != count:
            raise JournalCorrupt(f"The store does not give back journal {name.key()} as it was written.")
        with lease.guard():
            held_by_it = snapshots.filter(number__lte=last.number)
            held_by_it.update(journal=name.short, journal_link=last.journal_link)
    return name


def _write(folder: JournalFolder, entity: Entity, last: Snapshot, lease: Lease) -> tuple[JournalName, int]:
    writer = folder.write(Chain(entity.public_id, last.sub_service), last.number, base=True)
    pulse, count = paced(lease.renew), 0
    earlier = Snapshot.objects.filter(entity=entity, sub_service=last.sub_service, number__lt=last.number)
    for pk in list(earlier.order_by("number").values_list("pk", flat=True)):
        pulse()
        snapshot = Snapshot.objects.select_related("run").get(pk=pk)
        writer.add(SnapshotLine(portrait.snapshot_and_run(snapshot, snapshot.run)))
        count += 1
    rows = Draft(entity.account_id, entity.pk, last.sub_service, last.number, 0).rows()
    for line in version_lines(rows.filter(first__lte=last.number), pulse):
        ends_later = line.gone is not None and line.gone > last.number
        writer.add(line._replace(gone=None) if ends_later else line)
        count += 1
    for row in RunIssue.objects.filter(run=last.run, sub_service=last.sub_service).order_by("id"):
        writer.add(IssueLine(portrait.issue(row)))
        count += 1
    lease.renew()
    return finish(writer, entity, last, last.run, before=None, link=last.journal_link).name, count


def journals_prune(*, entity: Entity, sub_service: str, counted_upto: int | None = None) -> Pruned:
    """Delete journals that no snapshot needs any more. In the account's scope. Raises LeaseLost, StoreError.

    With `counted_upto` only those of snapshots up to it are counted when the store keeps them.
    """
    deleted = locked = 0
    with held(account_id=entity.account_id, entity_id=entity.pk) as lease:
        vault_own(account_id=entity.account_id)
        folder = open_journals(entity.account_id, entity.task.shelf)
        for name, part in list(_needless(folder, entity, sub_service)):
            lease.renew()
            try:
                folder.remove(name, part)
            except ObjectLocked:
                locked += counted_upto is None or name.number <= counted_upto
            else:
                deleted += 1
    return Pruned(deleted, locked)


def _needless(folder: JournalFolder, entity: Entity, sub_service: str) -> Iterator[tuple[JournalName, int]]:
    """Yield objects of journals that a base has replaced, or that lost to the one that was committed.

    Those beyond the newest snapshot stay: a run that died a moment ago may have left the only record of it.
    """
    snapshots = Snapshot.objects.filter(entity=entity, sub_service=sub_service)
    named = {row.number: row.journal for row in snapshots.only("number", "journal")}
    base = max((number for number, short in named.items() if _is_base_of(short, number)), default=0)
    for name, part, _ in folder.list(Chain(entity.public_id, sub_service)):
        committed = named.get(name.number)
        if name.number < base or (committed is not None and name.short != committed):
            yield name, part


def _is_base_of(short: str, number: int) -> bool:
    return short.startswith(f"{number:010d}-") and short.endswith("-base")
