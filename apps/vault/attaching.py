"""Take an existing vault over into this installation: its store, and a key that opens it, are enough."""

import re
import uuid
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.core.errors import Conflict, EverkeepError, NotFound
from apps.core.scope import account_scope, every_account

from .envelopes import envelope_names, envelope_put
from .errors import KeysCorrupt, StoreMismatch
from .models import Shelf, VaultKey
from .ownership import folder_claim, folder_is_ours, folder_own
from .store import recovery_key
from .store.backends.addresses import open_store
from .store.backends.base import ObjectStore
from .store.backends.prefixed import PrefixedStore
from .store.journal import JournalFolder
from .store.keys import KEYS, VaultKeys, envelope_header, envelope_key, envelope_key_id, unwrap_keys
from .store.marker import read_marker
from .store.owner import Owner
from .store.recovery_key import RecoveryKey
from .stores import operator_store
from .wrapping import wrapping

_ENVELOPE: Final = re.compile(rf"([0-9a-f]{{32}})/{KEYS}[^/]+")


@dataclass(frozen=True, slots=True)
class FoundVault:
    """A vault that lies in a store and opens. Holds secrets: keep it no longer than the work."""

    url: str
    vault_id: uuid.UUID
    keys: VaultKeys
    folder: ObjectStore

    @property
    def journals(self) -> JournalFolder:
        return JournalFolder(self.keys, self.folder)


def vaults_in(url: str) -> list[uuid.UUID]:
    """Return the vaults of a store, by their key envelopes. Looks at every name in it. Raises StoreError."""
    found = (_ENVELOPE.fullmatch(each.key) for each in _marked(url).list(""))
    return sorted({uuid.UUID(hex=name[1]) for name in found if name})


@sensitive_variables("typed")
def vault_find(url: str, vault_id: uuid.UUID, *, typed: str = "") -> FoundVault:
    """Open a vault with a key of this installation, or with the recovery key that its owner typed.

    Raises StoreError, RecoveryKeyInvalid, KeysCorrupt when no envelope opens, VaultTaken when another
    installation has it.
    """
    folder = PrefixedStore(_marked(url), f"{vault_id.hex}/")
    key = RecoveryKey.parse(typed) if typed else None
    wraps, refusals = wrapping(), list[str]()
    for name in [key.key_id] if key else envelope_names(folder):
        if not key and name.startswith(recovery_key.NAME_PREFIX):
            continue
        try:
            envelope = folder.get(envelope_key(name))
            account_id = envelope_header(envelope).account_id  # as it was; the seal proves it
            if key:
                keys = unwrap_keys(envelope, ring=key.ring(), vault_id=vault_id, account_id=account_id)
            else:
                keys = wraps.unwrap(envelope, vault_id=vault_id, account_id=account_id)
        except EverkeepError as error:
            refusals.append(f"{name}: {error.what}")
            continue
        folder_is_ours(folder, f"--store {url} --vault {vault_id}")
        return FoundVault(url, vault_id, keys, folder)
    raise KeysCorrupt(
        f"No key that is known here opens vault {vault_id}. {' '.join(refusals)}".strip(),
        do="Put its master key into EVERKEEP_MASTER_KEYS, or give its owner's recovery key.",
    )


def vault_attach(*, account_id: int, found: FoundVault) -> None:
    """Make a vault that of an account that has none, in a transaction of the caller's.

    V0: what seals here has an envelope in the store before the row lets the keys be used. Raises Conflict, and
    VaultTaken when it belongs to another installation.
    """
    store = operator_store(found.url)
    folder_own(found.folder)
    with every_account("a vault belongs to one account of the installation"):
        if VaultKey.objects.filter(public_id=found.vault_id).exists():
            raise Conflict("This vault belongs to an account of this installation already.")
    wraps = wrapping()
    envelope = wraps.wrap(found.keys, vault_id=found.vault_id, account_id=account_id)

    def opens(stored: bytes) -> VaultKeys:
        # It may be one from before: then it says another account's number.
        before = envelope_header(stored).account_id
        return wraps.unwrap(stored, vault_id=found.vault_id, account_id=before)

    envelope_put(found.folder, envelope, keys=found.keys, opens=opens)
    with account_scope(account_id), transaction.atomic():
        VaultKey.objects.create(
            public_id=found.vault_id,
            account_id=account_id,
            envelope=envelope,
            master_key_id=envelope_key_id(envelope),
        )
        Shelf.objects.create(account_id=account_id, number=0, store=store)


def vault_claim_at(url: str, vault_id: uuid.UUID) -> Owner | None:
    """Take over a vault that is no account's here yet; returns who had it. Raises StoreError, NotFound."""
    if vault_id not in vaults_in(url):
        raise NotFound("There is no such vault in this store.", do="Compare its id: the folder's name.")
    return folder_claim(PrefixedStore(_marked(url), f"{vault_id.hex}/"))


def _marked(url: str) -> ObjectStore:
    """Open a store that must have been used before (V5)."""
    store = open_store(url)
    if read_marker(store) is None:
        raise StoreMismatch("At this address is no store of Everkeep: its marker is missing.")
    return store
