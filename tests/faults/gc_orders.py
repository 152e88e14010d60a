"""What the child processes of tests/faults/test_gc_race.py do: orders of tests/warm_worker.py."""

from contextlib import contextmanager
from datetime import timedelta
from typing import Any


@contextmanager
def _later(minutes: float):  # type: ignore[no-untyped-def]
    from apps.accounts.models import Account
    from apps.core import clock
    from apps.core.scope import account_scope

    account = Account.objects.get()
    with account_scope(account.pk), clock.travel(clock.now() + timedelta(minutes=minutes)):
        yield account.pk


def collect(*, minutes: float, delay: float = 0) -> dict[str, Any]:
    """Do what is due of garbage collection, `delay` seconds from now: sweep, then mark anew."""
    import time

    from apps.vault.errors import VaultBusy
    from apps.vault.gc import collect as collect_once
    from apps.vault.gc import rewriting

    rewriting.MERGE_FROM = 2  # type: ignore[misc]
    time.sleep(delay)
    with _later(minutes) as account_id:
        done = None
        for _ in range(3):
            try:
                done = collect_once(account_id, now=True, forced=True)
            except VaultBusy:
                return {"busy": True}
        assert done is not None
        return {"state": done.get_state_display(), "removed": done.removed, "rewritten": done.rewritten}


def forget(*, minutes: float) -> dict[str, int]:
    """Delete what ended before the last two snapshots, as retention would: under the mailbox' lease (V12)."""
    from apps.backups.engine.lease import claim
    from apps.backups.models import Entity, NodeVersion, Snapshot

    with _later(minutes) as account_id:
        entity = Entity.objects.get()
        lease = claim(account_id=account_id, entity_id=entity.pk)
        assert lease is not None
        last = max(Snapshot.objects.values_list("number", flat=True))
        with lease.guard():
            deleted, _ = NodeVersion.objects.filter(gone__lte=last - 1).delete()
        Entity.objects.filter(pk=entity.pk).update(lease_owner="", lease_until=None)
        return {"deleted": deleted}


def whole(*, minutes: float) -> dict[str, Any]:
    """Read every blob that any version names; count what the vault holds and what nothing names."""
    from apps.backups.models import NodeVersion
    from apps.vault.api import decode_content, open_reader
    from apps.vault.models import BlobLocation, CondemnedBlob, GcRound

    with _later(minutes) as account_id:
        reader = open_reader(account_id)
        named = set()
        for content in NodeVersion.objects.filter(is_folder=False).values_list("content", flat=True):
            for part in decode_content(bytes(content)):
                reader.read(part)
                named.update(part.blobs)
        placed = {bytes(b) for b in BlobLocation.objects.values_list("blob_id", flat=True)}
        rounds = GcRound.objects.all()
        return {
            "named": len(named),
            "unnamed": len(placed - named),
            "marks": CondemnedBlob.objects.count(),
            "removed": sum(each.removed for each in rounds),
            "rewritten": sum(each.rewritten for each in rounds),
            "deleted": sum(each.deleted for each in rounds),
        }
