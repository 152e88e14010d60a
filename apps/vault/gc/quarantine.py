"""The last step: objects of packs that nothing is in any more (V7, V14)."""

from apps.activity import services as activity
from apps.core import clock

from ..enums import GcState, PackState
from ..errors import ObjectLocked, PackCorrupt
from ..models import GcRound, Pack
from ..references import writers_gone
from ..store.errors import ObjectMissing
from ..store.inspect import read_pack_index
from ..store.pack import pack_key
from . import rows
from .rules import BARRED, CLOCKS_APART, GRACE, QUARANTINE
from .work import Work


def empty_quarantine(work: Work) -> None:
    """Delete retired packs after their quarantine, orphans after their grace, and rows that barred long enough.

    A pack that Object Lock protects stays retired and is counted. Raises StoreError, VaultBusy.
    """
    now = clock.now()
    leaving = Pack.objects.filter(state=PackState.RETIRED, state_at__lt=now - QUARANTINE)
    _delete_all(work, list(leaving), PackState.RETIRED)
    orphans = list(Pack.objects.filter(state=PackState.ORPHAN, state_at__lt=now - GRACE))
    if orphans and _nothing_is_lost(work.round) and writers_gone(work.account_id, now - GRACE + CLOCKS_APART):
        _delete_all(work, orphans, PackState.ORPHAN)
    if work.freed:
        with work.lease.guard():
            activity.record("vault.freed", bytes=work.freed)
    with work.lease.guard():
        Pack.objects.filter(state=PackState.DELETED, state_at__lt=now - BARRED).delete()


def _nothing_is_lost(last: GcRound) -> bool:
    """Tell whether the newest round has found a place for all that is referenced.

    An orphan may hold what is lost elsewhere: then it stays for the repair. A round that broke off, or was
    refused, has not counted.
    """
    return last.marked_at is not None and last.state != GcState.REFUSED and not last.lost


def _delete_all(work: Work, packs: list[Pack], state: PackState) -> None:
    for pack in packs:
        work.beat()
        if state == PackState.RETIRED and _is_needed(work, pack):
            continue
        _delete(work, pack, state)


def _delete(work: Work, pack: Pack, state: PackState) -> None:
    # V14: durably, before the object goes; a writer that comes late is barred from here on.
    with work.lease.guard():
        barred = Pack.objects.filter(pk=pack.pk, state=state).update(
            state=PackState.DELETED, state_at=clock.now()
        )
    if not barred:
        return  # an orphan that its writer recorded after all
    try:
        work.vault.store.delete(pack_key(bytes(pack.pack_id)))
    except ObjectLocked:
        Pack.objects.filter(pk=pack.pk).update(state=PackState.RETIRED, state_at=pack.state_at)
        work.count(locked=1)
        return
    work.freed += pack.size
    work.count(deleted=1, freed_bytes=pack.size)


def _is_needed(work: Work, pack: Pack) -> bool:
    """Look once more whether any place is in the pack. If so, which is a fault of ours, it stays in use."""
    try:
        inside = read_pack_index(work.vault.store, work.vault.keys, bytes(pack.pack_id))
    except (PackCorrupt, ObjectMissing):
        return False  # it was empty when it retired, and nothing can have come into it since (V14)
    if not rows.still_in(work.account_id, pack.pk, [blob_id for blob_id, _ in inside]):
        return False
    with work.lease.guard():
        Pack.objects.filter(pk=pack.pk, state=PackState.RETIRED).update(state=PackState.STORED)
    return True
