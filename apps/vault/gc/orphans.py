"""Packs and rows that do not match: what lies in the store, and what the database knows of it."""

from collections.abc import Iterable

from apps.core import clock

from ..enums import PackState
from ..models import Pack
from ..registry import catalogs, chains_given_up
from ..store.inspect import list_packs
from ..store.journal import Chain, list_journals, parse_name
from ..vaults import OpenVault
from .rules import SETTLED, Census
from .work import Work

Stored = dict[bytes, int]
"""Pack id → size, of every pack in the vault's stores. About 120 bytes of memory each."""


def stored_packs(vault: OpenVault) -> Stored:
    """List the vault's packs. Raises StoreError: half a list would be worse than none."""
    return {pack_id: found.size for pack_id, found in list_packs(vault.store)}


def compare(stored: Stored, census: Census) -> list[bytes]:
    """Count packs into the census, missing ones by name; returns those in the store that no row knows.

    The store is listed first and the rows are read after, since they only grow meanwhile. A list may lag: new
    packs are not missed.
    """
    lagging, unknown = clock.now() - SETTLED, set(stored)
    rows = Pack.objects.values_list("pack_id", "state", "created_at")
    for pack_id, state, created_at in rows.iterator():
        unknown.discard(bytes(pack_id))
        census.packs += state == PackState.STORED
        if state == PackState.STORED and created_at < lagging and bytes(pack_id) not in stored:
            census.missing_packs.append(bytes(pack_id).hex())
        census.orphans += state == PackState.ORPHAN
    census.orphans += len(unknown)
    return sorted(unknown)


def chains_ahead(work: Work) -> int:
    """Count chains of journals that go on beyond their newest snapshot: after a rebuild that did not end, say.

    What only such journals name looks dead. One journal more is usual: a run that died left it.
    """
    stored: dict[Chain, int] = {}  # read first: snapshots that commit meanwhile make no surprise
    for name, _, _ in list_journals(work.vault.store):
        stored[name.chain] = max(stored.get(name.chain, 0), name.number)
    known: dict[Chain, int] = {}
    for _, catalog in catalogs():
        for said in catalog.journals(work.account_id, 0):
            if named := parse_name(said.key):
                known[named[0].chain] = max(known.get(named[0].chain, 0), named[0].number)
    given_up = chains_given_up(work.account_id)
    kept = (
        (chain, number) for chain, number in stored.items() if (chain.entity, chain.sub_service) not in given_up
    )
    return sum(number > known.get(chain, 0) + 1 for chain, number in kept)


def note_orphans(work: Work, stored: Stored, unknown: Iterable[bytes]) -> None:
    """Give each unrecorded pack a row with the time: its writer may still record it, or gc deletes it later."""
    for pack_id in unknown:
        with work.lease.guard():
            Pack.objects.get_or_create(
                account_id=work.account_id,
                pack_id=pack_id,
                defaults={
                    "store_id": work.vault.store_row,
                    "size": stored[pack_id],
                    "blobs": 0,
                    "version": 0,  # nobody has looked inside
                    "state": PackState.ORPHAN,
                    "state_at": clock.now(),
                },
            )


def revive_returned(work: Work, stored: Stored) -> None:
    """Forget orphans that are gone from the store, and put deleted packs that lie there again back in line.

    The second comes from a process that died between the row and the object, or from a copy that a replica or a
    migration made at the wrong moment.
    """
    with work.lease.guard():
        for pack in Pack.objects.filter(state=PackState.ORPHAN):
            if bytes(pack.pack_id) not in stored:
                pack.delete()
        back = [
            pack.pk
            for pack in Pack.objects.filter(state=PackState.DELETED).iterator()
            if bytes(pack.pack_id) in stored
        ]
        Pack.objects.filter(pk__in=back, state=PackState.DELETED).update(state=PackState.RETIRED)
