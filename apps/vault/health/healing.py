"""Healing. A bad blob is looked at once more, taken from a good copy, or given up and fetched from its source.

Per round, under the vault's lease (V15): 1. a missing key envelope comes back from the database, a missing
pack from a replica; 2. refuse when too much is damaged at once; 3. look again: what reads well now is healed;
4. mend rows that name a wrong place; 5. store anew what a replica or another pack holds whole; 6. of the rest,
take away the places and mark the items that name them, in one transaction (V19).
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from apps.core.scope import every_account

from ..copies import pack_heal
from ..enums import DamageState, PackState
from ..envelopes import keys_rewrap
from ..errors import BlobError, Corrupt, KeysCorrupt, StoreError, VaultBusy, VaultError, VaultTaken
from ..leases import Maintenance, maintenance
from ..models import BlobLocation, Damage, Pack, Shelf
from ..registry import catalogs
from ..services import open_vault
from ..store.check import Code, Finding
from ..store.codec import Codec
from ..store.errors import ObjectMissing
from ..store.inspect import read_pack_index
from ..store.journal import parse_name
from ..store.mirror import copies_of
from ..store.pack import Kind, Location, PackBuilder, pack_key
from ..vaults import OpenVault
from .damage import BATCH, DICTIONARY, batches, move, open_damage, record
from .dictionaries import remade
from .places import Places
from .records import Records
from .rows import Rows
from .second_copies import lists_beyond_rows

log = logging.getLogger("everkeep.vault")
# Above both, nothing is healed without a person's word: more likely the store is at fault than so many blobs.
MOST_SHARE: Final = 0.05
MOST_BLOBS: Final = 1_000
AT_ONCE: Final = 5_000  # blobs whose items are looked up in one pass over the catalog
RENEW_EVERY: Final = 100

FROM_REPLICA: Final = "Taken from the replica."
FROM_PACK: Final = "Taken from another pack."
NOTHING_IN_IT: Final = "Nothing is kept in this pack any more."
_REPORTED: Final = (Code.CONTENT_CORRUPT,)  # nothing here can heal it
_BY_CHECKS: Final = (*_REPORTED, Code.JOURNAL)  # tried once a check: finding the copies costs a listing of all
_PACK_CODES: Final = (Code.PACK_MISSING, Code.PACK_SIZE, Code.PACK_INDEX)
_BLOB_CODES: Final = (Code.BLOB_CORRUPT, Code.ROWS_DISAGREE, Code.BLOB_UNKNOWN, Code.PACK_MISSING)


class TooMuchDamage(VaultError):
    """So much is damaged that the store itself is suspect: a person must look first."""

    code = "too_much_damage"


def heal(account_id: int, *, anyway: bool = False) -> int:
    """Act on all damage that was found, in the account's scope; returns how many records changed.

    Raises VaultBusy (gc or a migration works: try later), TooMuchDamage unless `anyway`, StoreError.
    """
    if not Damage.objects.filter(state=DamageState.FOUND).exclude(code__in=_REPORTED).exists():
        return 0
    with maintenance(account_id, "healing") as lease:
        return _Healing(lease, open_vault(account_id=account_id)).run(anyway=anyway)


class _Healing:
    def __init__(self, lease: Maintenance, vault: OpenVault) -> None:
        self._lease, self._vault = lease, vault
        self._rows, self._places = Rows(vault.account_id), Places(vault)
        self._tried: dict[bytes, bool] = {}
        self._last: tuple[bytes, dict[bytes, Location]] = (b"", {})

    def run(self, *, anyway: bool) -> int:
        changed = self._envelope() + self._journals() + self._take_back() + self._packs()
        if not anyway:
            self._refuse_surprising_numbers()
        for rows in batches([row for row in open_damage(_BLOB_CODES) if row.blob_id], AT_ONCE):
            self._lease.renew()
            self._blobs(rows)
            changed += len(rows)
        return changed

    def _refuse_surprising_numbers(self) -> None:
        bad = Damage.objects.filter(state=DamageState.FOUND).exclude(blob_id=b"").count()
        if bad <= MOST_BLOBS:
            return
        known = BlobLocation.objects.filter(account_id=self._vault.account_id).count()
        if bad > MOST_SHARE * max(known, bad):
            raise TooMuchDamage(
                f"{bad:,} blobs of {known:,} are damaged at once. Nothing was given up.",
                do="Look at the store first. If it is really so: manage.py vault heal --anyway.",
            )

    # Packs

    def _take_back(self) -> int:
        """Packs that were marked as empty and are not: in use again, and gone when their object is."""
        rows = list(open_damage((Code.PACK_RETIRED,)))
        for row in rows:
            with self._lease.guard():
                pack = Pack.objects.filter(pack_id=bytes(row.pack_id)).first()
                # The finding may be old: a bar (V14) that nothing is in must stay one.
                if pack is None or not next(self._rows.in_packs([pack.pk]), None):
                    move([row], DamageState.HEALED, NOTHING_IN_IT)
                    continue
                Pack.objects.filter(pk=pack.pk).update(state=PackState.STORED, state_at=None)
                move([row], DamageState.HEALED, "It is in use again.")
            if not self._is_there(pack):
                what = f"Pack {pack} is not in the store."
                record(self._vault.account_id, [Finding(Code.PACK_MISSING, what, str(pack))])
        return len(rows)

    def _packs(self) -> int:
        rows = [row for row in open_damage(_PACK_CODES) if not row.blob_id]
        packs = {bytes(pack.pack_id): pack for pack in self._stored({bytes(row.pack_id) for row in rows})}
        missing: list[tuple[Damage, Pack]] = []
        for row in rows:
            pack = packs.get(bytes(row.pack_id))
            if pack is None:
                move([row], DamageState.HEALED, NOTHING_IN_IT)
            elif row.code == Code.PACK_MISSING and self._is_there(pack):
                move([row], DamageState.HEALED, "It is there again.")
            elif self._put_back(bytes(pack.pack_id)):
                move([row], DamageState.HEALED, FROM_REPLICA)
            elif row.code == Code.PACK_MISSING:
                missing.append((row, pack))
            else:
                with self._lease.guard():
                    Pack.objects.filter(pk=pack.pk).update(needs_rewrite=True)
                    move([row], DamageState.REWRITE, "Its blobs are read by the database's rows meanwhile.")
        self._missing(missing)
        return len(rows)

    def _stored(self, pack_ids: set[bytes]) -> Iterator[Pack]:
        for some in batches(sorted(pack_ids)):
            yield from Pack.objects.filter(pack_id__in=some, state=PackState.STORED)

    def _is_there(self, pack: Pack) -> bool:
        return self._places.store(pack.store_id).size(pack_key(bytes(pack.pack_id))) is not None

    def _put_back(self, pack_id: bytes) -> bool:
        """Put a replica that is whole to its last byte in the stead of a pack; tried once a round."""
        if pack_id not in self._tried:
            try:
                self._tried[pack_id] = pack_heal(self._vault.account_id, pack_id)
            except StoreError as error:
                log.warning("a copy of pack %s is no help: %s", pack_id.hex(), error)
                self._tried[pack_id] = False
        return self._tried[pack_id]

    def _missing(self, missing: Sequence[tuple[Damage, Pack]]) -> None:
        """Packs without an object: each blob that rows place in them is damage of its own."""
        rows = {bytes(pack.pack_id): row for row, pack in missing}
        for blobs in batches(self._rows.in_packs([pack.pk for _, pack in missing])):
            record(
                self._vault.account_id,
                [
                    Finding(Code.PACK_MISSING, rows[at.pack_id].what, at.pack_id.hex(), blob_id.hex())
                    for blob_id, at in blobs
                ],
            )
        move([row for row, _ in missing], DamageState.HEALED, "Its blobs are listed one by one.")
        self._drop([pack for _, pack in missing])

    def _envelope(self) -> int:
        """Put the key envelope back beside the packs where it is missing; a wrong one stays as it is."""
        rows = list(open_damage((Code.ENVELOPE,)))
        if not rows:
            return 0
        try:
            keys_rewrap(account_id=self._vault.account_id)
        except KeysCorrupt as error:
            log.warning("account %s: %s", self._vault.account_id, error)
            return 0
        move(rows, DamageState.HEALED, "Put back.")
        return len(rows)

    def _journals(self) -> int:
        """Make journals anew where they are damaged or missing, from a store that has them whole."""
        rows = {bytes(row.pack_id): row for row in open_damage((Code.JOURNAL,))}
        records = Records(self._vault)
        if not rows or not records.several:
            return 0
        healed = []
        for _, catalog in catalogs():
            for claim in catalog.journals(self._vault.account_id, 0):
                named = parse_name(claim.key)
                if named and (row := rows.get(named[0].journal_id)):
                    self._lease.renew()
                    healed += [row] if records.journal_mend(claim) else []
        move(healed, DamageState.HEALED, "Made anew from the copy in another store.")
        return len(healed)

    # Blobs

    def _blobs(self, rows: Sequence[Damage]) -> None:
        by_id = {bytes(row.blob_id): row for row in rows}
        good: dict[str, list[Damage]] = {}
        bad: list[tuple[bytes, Location]] = []
        for number, (blob_id, place) in enumerate(self._rows.places(set(by_id))):
            if number % RENEW_EVERY == 0:
                self._lease.renew()
            if how := self._healed(blob_id, place):
                good.setdefault(how, []).append(by_id[blob_id])
            else:
                bad.append((blob_id, place))
        for how, healed in good.items():
            move(healed, DamageState.HEALED, how)
        lost = by_id.keys() - {bytes(row.blob_id) for healed in good.values() for row in healed}
        spared = self._spared([(blob_id, at) for blob_id, at in bad if blob_id in lost])
        move([by_id[blob_id] for blob_id in sorted(spared)], DamageState.HEALED, FROM_PACK)
        lost -= spared
        self._give_up([by_id[blob_id] for blob_id in sorted(lost)], bad)

    def _healed(self, blob_id: bytes, place: Location) -> str:
        """Heal a blob in one of its places; returns how, "" when nothing helps."""
        if self._reads(blob_id, place):
            return "It reads well again."
        if self._mend(blob_id, place):
            return "The database looks in the right place again."
        if len(copies_of(self._vault.store, pack_key(place.pack_id))) > 1:
            if self._put_back(place.pack_id) and self._reads(blob_id, place):
                return FROM_REPLICA
            if self._store_anew(blob_id, place):
                return FROM_REPLICA
        if place.kind == Kind.DICTIONARY and self._remake(blob_id, place):
            return "Made anew from its other copy."
        return ""

    def _remake(self, blob_id: bytes, place: Location) -> bool:
        made = remade(self._vault, blob_id, place)
        if made is None:
            return False
        home, sealed = made
        with self._lease.guard():
            self._rows.forget(place.pack_id, [blob_id])
            home.index.record(sealed)
        self._drop([pack for pack in self._stored({place.pack_id}) if not self._is_there(pack)])
        return True

    def _reads(self, blob_id: bytes, place: Location) -> bool:
        """Tell whether the pack's own store gives the blob out whole; a replica's answer does not count."""
        pack = Pack.objects.filter(pack_id=place.pack_id).values_list("store_id", flat=True)
        try:
            self._places.load(pack[0], place.pack_id, {blob_id: place})
        except BlobError:
            return False
        return True

    def _mend(self, blob_id: bytes, place: Location) -> bool:
        """Put a row right by what the pack itself says, when the blob reads well there."""
        right = self._listed(place.pack_id).get(blob_id)
        if right is None or right == place or not self._reads(blob_id, right):
            return False
        with self._lease.guard():
            self._rows.correct(blob_id, right)
        return True

    def _listed(self, pack_id: bytes) -> dict[bytes, Location]:
        """Return what a pack says of itself, nothing when it says nothing; the last one is remembered."""
        if self._last[0] != pack_id:
            try:
                store_row = Pack.objects.values_list("store_id", flat=True).get(pack_id=pack_id)
                store = self._places.store(store_row)
                listed = dict(read_pack_index(store, self._vault.keys, pack_id))
            except (Corrupt, ObjectMissing):
                listed = {}
            self._last = pack_id, listed
        return self._last[1]

    def _store_anew(self, blob_id: bytes, place: Location) -> bool:
        """Write a blob into a new pack of its shelf, from whichever copy of its pack is good there."""
        for copy in copies_of(self._vault.store, pack_key(place.pack_id)):
            try:
                plaintext = self._places.checker(copy).load(place.pack_id, {blob_id: place})[blob_id]
            except (BlobError, StoreError):
                continue
            self._write_anew(blob_id, place, plaintext)
            return True
        return False

    def _write_anew(self, blob_id: bytes, place: Location, plaintext: bytes) -> None:
        shelf = Pack.objects.values_list("shelf", flat=True).get(pack_id=place.pack_id)
        vault = open_vault(account_id=self._vault.account_id, shelf=shelf)
        builder = PackBuilder(vault.keys)
        builder.add(blob_id, Codec.RAW, plaintext, len(plaintext), place.kind)
        sealed = builder.seal()
        vault.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)  # V1
        with self._lease.guard():
            self._rows.forget(place.pack_id, [blob_id])
            vault.index.record(sealed)

    def _spared(self, bad: Collection[tuple[bytes, Location]]) -> set[bytes]:
        """Write blobs anew that another pack in a store of their shelf holds whole (V3); returns which.

        One row of a blob is enough: who asks for it on another shelf finds it there. Raises StoreError.
        """
        wanted, done = dict(bad), set[bytes]()
        placed = Pack.objects.filter(pack_id__in={place.pack_id for place in wanted.values()})
        shelves = Shelf.objects.filter(number__in=placed.values("shelf"))
        stores = {*placed.values_list("store_id", flat=True), *shelves.values_list("store_id", flat=True)}
        for store_row in sorted(stores):
            folder = self._places.store(store_row)
            for listed in lists_beyond_rows(self._vault, folder, renew=self._lease.renew):
                for blob_id, at in listed:
                    place = wanted.get(blob_id)
                    if place is None or blob_id in done or at.pack_id == place.pack_id:
                        continue
                    try:
                        plaintext = self._places.load(store_row, at.pack_id, {blob_id: at})[blob_id]
                    except BlobError:
                        continue
                    self._write_anew(blob_id, place, plaintext)
                    done.add(blob_id)
        return done

    def _give_up(self, rows: Sequence[Damage], bad: Collection[tuple[bytes, Location]]) -> None:
        """V19: the places go and the items are marked together, so that the next put stores the blob anew."""
        account_id = self._vault.account_id
        blob_ids = [bytes(row.blob_id) for row in rows]
        if not rows and not bad:
            return
        packs = list(self._stored({place.pack_id for _, place in bad}))
        missing = [pack for pack in packs if not self._is_there(pack)]
        gone = {bytes(pack.pack_id) for pack in missing}
        with self._lease.guard():
            named: dict[bytes, int] = {}
            for _, catalog in catalogs() if rows else ():
                for blob_id, items in catalog.mark(account_id, blob_ids).items():
                    named[blob_id] = named.get(blob_id, 0) + items
            for blob_id, place in bad:
                if place.kind != Kind.DICTIONARY or place.pack_id in gone:  # V18: else its place stays
                    self._rows.forget(place.pack_id, [blob_id])
            for row in rows:
                row.items = named.get(bytes(row.blob_id), 0)
            Damage.objects.bulk_update(rows, ["items"], batch_size=BATCH)
            move([r for r in rows if r.items], DamageState.REFETCH, "The next backup fetches it again.")
            shared = {at_id for at_id, at in bad if at.kind == Kind.DICTIONARY and at.pack_id not in gone}
            move([r for r in rows if bytes(r.blob_id) in shared], DamageState.LOST, DICTIONARY)
            needless = [r for r in rows if not r.items and bytes(r.blob_id) not in shared]
            move(needless, DamageState.HEALED, "No item names it.")
        log.warning("account %s: %d blobs were given up to be fetched again", account_id, len(rows))
        self._drop(missing)

    def _drop(self, gone: Sequence[Pack]) -> None:
        """Delete the row of a pack that is not in the store and in which no blob is placed any more.

        No bar (V14): it was recorded, so no writer comes late. An object that somebody brings back is then an
        orphan, which gc keeps while anything is lost and a rebuild records; behind a bar gc would delete it.
        """
        used = {at.pack_id for _, at in self._rows.in_packs([pack.pk for pack in gone])}
        empty = [pack.pk for pack in gone if bytes(pack.pack_id) not in used]
        if empty:
            with self._lease.guard():
                Pack.objects.filter(pk__in=empty).delete()


def accounts_to_heal() -> list[int]:
    """Return the accounts with damage that nobody has acted on: found by a reader, or while gc worked."""
    with every_account("damage of all vaults is acted on"):
        rows = Damage.objects.filter(state=DamageState.FOUND).exclude(code__in=_BY_CHECKS)
        return sorted(set(rows.order_by().values_list("account_id", flat=True)))


def heal_if_possible(account_id: int) -> str:
    """Heal; return "" or why it could not be done now. The records stay, for the next round."""
    try:
        heal(account_id)
    except (VaultBusy, VaultTaken, TooMuchDamage) as error:
        return str(error)
    return ""
