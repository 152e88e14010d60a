"""Erased words leave the index for good: a version that is taken out is only marked, its words stay in a file.

1. `erased` counts what erasures took out, in their transaction.
2. An indexer's pass sees that it is more than `cleaned`: it notes which objects there are and lets each version
   be brought once more. Each one that comes anew leaves the file that it was in; one that is left by all goes.
   Searches go on meanwhile.
3. Once all of it came, and none of those objects is in the store any more, `cleaned` follows.
"""

from django.db.models import F

from apps.backups.enums import ErasureState
from apps.backups.models import Entity, Erasure
from apps.backups.registry import ErasedVersions
from apps.core.scope import current_account_id
from apps.vault.api import DerivedFolder

from .leases import IndexLease
from .models import Indexed, SearchIndex
from .objects import collect, files_in, named


def note_erased(versions: ErasedVersions) -> dict[str, int]:
    """Let the index be rewritten; called in the transaction in which versions are erased."""
    _count(current_account_id())
    return {}


def entity_goes(entity: Entity) -> None:
    """Count it as erased when a mailbox goes of which items were to be erased: their order ends with it."""
    states = (ErasureState.WAITING, ErasureState.ERASING)
    if Erasure.objects.filter(entity=entity, state__in=states).exists():
        _count(entity.account_id)


def remains(account_id: int) -> bool:
    """Tell whether sealed files of the index may hold words of what was erased."""
    return SearchIndex.objects.filter(account_id=account_id).exclude(erased=F("cleaned")).exists()


def begin_rewriting(lease: IndexLease, most_removals: bool) -> None:
    """Begin when something was erased since the last time, and all that left goes in this very pass."""
    with lease.guard():
        row = SearchIndex.objects.get(account_id=lease.account_id)
        if row.rewriting or row.erased == row.cleaned or most_removals:
            return
        files = files_in(row.manifest)
        wordless = named([file for file in files if file.name.endswith(".json")])
        row.rewriting = row.erased
        row.old_objects = sorted((named(files) | set(row.former)) - wordless)
        row.save(update_fields=["rewriting", "old_objects"])
        Indexed.objects.filter(account_id=lease.account_id).update(
            up_to=0, target=0, after=0, revision=F("revision") + 1
        )


def end_rewriting(lease: IndexLease, derived: DerivedFolder) -> bool:
    """End it when nothing of before is left in the store. False when a file stays that should have gone.

    Called when nothing waits for the index. What a store does not let go of now is asked for again.
    """
    with lease.guard():
        row = SearchIndex.objects.get(account_id=lease.account_id)
        keep = named(files_in(row.manifest))
        if not keep.isdisjoint(row.old_objects):
            return False
        row.former = []
        row.save(update_fields=["former"])
    collect(derived, keep)
    if set(derived.names()) <= keep:
        lease.renew(cleaned=row.rewriting, rewriting=0, old_objects=[])
    return True


def _count(account_id: int) -> None:
    SearchIndex.objects.filter(account_id=account_id).update(erased=F("erased") + 1)
