"""What is no pack, in each store of a vault by itself: key envelopes and journals, looked at and put right.

Packs have rows that say where they lie; these have none. A key envelope belongs into every store, a journal
into the store of some shelf and into that shelf's second store. A replica that does not answer is left out, by
name.
"""

import logging
from collections.abc import Iterator
from typing import Final

from ..errors import JournalCorrupt, KeysCorrupt, ObjectLocked, StoreError
from ..folders import Folders, vault_folder
from ..models import Shelf, Store, VaultKey
from ..registry import JournalClaim
from ..store.backends.base import ObjectStore
from ..store.errors import ObjectMissing
from ..store.journal import JournalName, open_journal, parse_name
from ..store.keys import envelope_key
from ..vaults import OpenVault
from ..wrapping import wrapping

log = logging.getLogger("everkeep.vault")
MISSING: Final = "it is missing in the store."


class Records:
    """One vault's envelopes and journals, in the account's scope. `away` names replicas that did not answer."""

    def __init__(self, vault: OpenVault) -> None:
        self._vault, self._row = vault, VaultKey.objects.get()
        self._stores = Folders.of(self._row)
        self._folders: dict[int, ObjectStore] = {}
        self._away: dict[int, str] = {}
        shelves = Shelf.objects.exclude(replica=None).values_list("store_id", "replica_id")
        self._pairs = [(first, second) for first, second in shelves if second is not None]

    @property
    def several(self) -> bool:
        return len(self._stores.stores) > 1

    @property
    def away(self) -> list[str]:
        return sorted(set(self._away.values()))

    def envelope_faults(self) -> Iterator[str]:
        """Yield what is wrong with the key envelope in each store. Raises StoreError."""
        for store, folder in self._each():
            where = f" ({store})" if self.several else ""
            try:
                sealed = folder.get(envelope_key(self._row.master_key_id))
                keys = wrapping().unwrap(sealed, vault_id=self._row.public_id, account_id=self._row.account_id)
            except ObjectMissing:
                yield f"The key envelope is missing in the store{where}."
            except KeysCorrupt as error:
                yield f"The key envelope in the store{where} does not open: {error.what}"
            else:
                if keys != self._vault.keys:
                    yield f"The key envelope in the store{where} holds other keys."

    def journal_fault(self, claim: JournalClaim, *, whole: bool) -> str:
        """Return what is wrong with a journal in any store, "" when nothing is. `whole` reads all its lines."""
        if (named := parse_name(claim.key)) is None:
            return "its row names none that could be."
        found = {
            store.pk: (store, self._look(folder, named[0], claim.link, whole=whole))
            for store, folder in self._each()
        }
        good = {pk for pk, (_, words) in found.items() if words == ""}
        bad = [(store, words) for store, words in found.values() if words]
        if not good:
            return bad[0][1] or MISSING if bad else MISSING
        if bad:
            return f"in {bad[0][0]} {bad[0][1]}"
        for first, second in self._pairs:
            if second in good and first in found and found[first][1] is None:
                return f"it is missing in {found[first][0]}; {found[second][0]} has it."
        return ""

    def journal_mend(self, claim: JournalClaim) -> bool:
        """Make a journal anew where it is damaged or missing, from a store that has all of it.

        C4: what is damaged is deleted only when a whole one is in hand. Raises StoreError.
        """
        named = parse_name(claim.key)
        folders = dict(self._each_row())
        if named is None or len(folders) < 2:
            return False
        found = {pk: self._look(folder, named[0], claim.link, whole=True) for pk, folder in folders.items()}
        good = next((pk for pk, words in found.items() if words == ""), None)
        if good is None:
            return False
        wanted = {
            first for first, second in self._pairs if found.get(second) == "" and found.get(first) is None
        }
        for pk, words in found.items():
            if words or (words is None and pk in wanted):
                _copy_journal(folders[good], folders[pk], self._vault, named[0])
        return not self.journal_fault(claim, whole=True)

    def _look(self, folder: ObjectStore, name: JournalName, link: str, *, whole: bool) -> str | None:
        """Return None where there is none, "" for the one that its row names, else what is wrong with it."""
        try:
            journal = open_journal(folder, self._vault.keys, name)
            if journal.link != link:
                return "another one lies under its name."
            if whole:
                for _ in journal.lines(folder, self._vault.keys):
                    pass
        except ObjectMissing:
            return None
        except JournalCorrupt as error:
            return error.what
        return ""

    def _each(self) -> Iterator[tuple[Store, ObjectStore]]:
        rows = {store.pk: store for store in self._stores.stores}
        return ((rows[pk], folder) for pk, folder in self._each_row())

    def _each_row(self) -> Iterator[tuple[int, ObjectStore]]:
        replicas = {store.pk for store in self._stores.replicas}
        for store in self._stores.stores:
            if store.pk in self._away:
                continue
            try:
                if store.pk not in self._folders:
                    self._folders[store.pk] = vault_folder(store, self._row.public_id)
            except StoreError as error:
                if store.pk not in replicas:
                    raise
                log.warning("store %s is left out of a check: %s", store.store_id, error)
                self._away[store.pk] = str(store)
                continue
            yield store.pk, self._folders[store.pk]


def _copy_journal(source: ObjectStore, target: ObjectStore, vault: OpenVault, name: JournalName) -> None:
    """Bring a journal's objects, the head last (V17); equal ones stay. A locked one stays as it is, damaged."""
    parts = len(open_journal(source, vault.keys, name).info["segments"])
    for part in (*range(1, parts + 1), 0):
        key = name.key(part)
        data = source.get(key)
        try:
            if target.get(key) == data:
                continue
            target.delete(key)
        except ObjectMissing:
            pass
        except ObjectLocked as error:
            log.warning("%s is damaged and cannot be made anew yet: %s", key, error)
            return
        target.put_if_absent(key, data)
        if target.get(key) != data:
            raise StoreError(f"A store does not give back what was written to it ({key}).")
