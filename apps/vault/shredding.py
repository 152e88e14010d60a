"""Crypto-shredding: destroying an account's keys, after which its packs are noise for everybody, us included.

1. the row says so: from here on nothing of the portal opens the vault, and its own copy of the keys is gone;
2. every key envelope is deleted in every store of the vault: master keys', KMS', recovery keys';
3. the stores are listed again: what is still there is named, and why;
4. when nothing is, the row says when that was.

Each step may be repeated: a run that was killed, or met a store that could not be reached, is finished by the
next one. Not reached from here: copies of the database made before (let them expire), and keys in the memory
of processes that read the vault at this moment (gone when their work ends).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.activity.services import record
from apps.core import clock
from apps.core.scope import account_scope, every_account

from .envelopes import envelope_names, locked_vault
from .errors import StoreError, VaultTaken
from .models import RecoveryKey, Store, VaultKey
from .ownership import folder_is_ours
from .services import key_places
from .store.backends.base import ObjectStore
from .store.backends.prefixed import PrefixedStore
from .store.keys import KEYS, envelope_key


@dataclass(frozen=True, slots=True)
class Remnant:
    """An envelope that is still there, or (`name` empty) a store that could not be looked at.

    `beyond_us`: it lies in a store of the customer's own, or in a vault that another installation owns.
    """

    place: str
    name: str
    why: str
    beyond_us: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.name or 'not looked through'} ({self.why})"


@dataclass(frozen=True, slots=True)
class Shredded:
    """What a shredding came to. Only without remnants is it true that nobody can read the backups any more."""

    destroyed: tuple[str, ...]
    remnants: tuple[Remnant, ...]

    @property
    def is_complete(self) -> bool:
        return not self.remnants


def vault_shred(*, account_id: int) -> Shredded:
    """Destroy every copy of an account's keys, for ever, and prove it by listing. There is no way back.

    Returns what could not be destroyed: call it again then. An account without a vault has nothing to destroy.
    """
    with account_scope(account_id):
        if not VaultKey.objects.exists():
            return Shredded((), ())
        vault = _close(account_id)
        destroyed: list[str] = []
        remnants: list[Remnant] = []
        theirs = _own_places(account_id)
        for place, folder in key_places(vault):
            _destroy_in(place, folder, destroyed, remnants, theirs=place in theirs)
        if not remnants:
            _note_the_end(account_id)
        return Shredded(tuple(destroyed), tuple(remnants))


def shreddings_finish() -> int:
    """Go on with every shredding that is not complete; return how many still are not."""
    with every_account("destroyed keys must be destroyed everywhere, whoever's they were"):
        unfinished = list(
            VaultKey.objects.filter(shredding_since__isnull=False, shredded_at=None).values_list(
                "account_id", flat=True
            )
        )
    return sum(not vault_shred(account_id=account_id).is_complete for account_id in unfinished)


def _close(account_id: int) -> VaultKey:
    """Step 1. Rows of recovery keys go too: what they say of the account's envelopes is over."""
    with transaction.atomic():
        vault = locked_vault(account_id)
        if vault.shredding_since is None:
            vault.shredding_since, vault.envelope = clock.now(), b""
            vault.save(update_fields=["shredding_since", "envelope"])
            RecoveryKey.objects.all().delete()
            record("vault.shredding", subject_id=vault.public_id, audited="")
    return vault


def _own_places(account_id: int) -> set[str]:
    """Where the customer's own stores are; never where one of ours is."""
    ours = Store.objects.filter(account=None).values_list("url", flat=True)
    return set(Store.objects.filter(account_id=account_id).values_list("url", flat=True)) - set(ours)


def _destroy_in(
    place: str,
    folder: ObjectStore | StoreError,
    destroyed: list[str],
    remnants: list[Remnant],
    *,
    theirs: bool,
) -> None:
    """Steps 2 and 3 in one store."""
    reasons: dict[str, str] = {}
    try:
        if isinstance(folder, StoreError):
            raise folder
        folder_is_ours(folder, "")  # V20: another installation's customer may live on these keys
        _delete_all(place, folder, destroyed, reasons)
        if _bring_to_light(folder):
            _delete_all(place, folder, destroyed, reasons)
        for name in envelope_names(folder):
            why = reasons.get(name) or _locked(folder, name) or "it is still listed after its deletion"
            remnants.append(Remnant(place, name, why, theirs))
    except (StoreError, VaultTaken) as error:
        remnants.append(Remnant(place, "", str(error), theirs or isinstance(error, VaultTaken)))


def _delete_all(place: str, folder: ObjectStore, destroyed: list[str], reasons: dict[str, str]) -> None:
    for name in envelope_names(folder):
        try:
            folder.delete(envelope_key(name))
            destroyed.append(f"{place}: {name}")
        except StoreError as error:
            reasons[name] = str(error)


def _bring_to_light(folder: ObjectStore) -> int:
    """Lift what lies hidden under a stranger's delete marker in a bucket with versions; return how many."""
    from .store.backends.s3 import S3Store  # noqa: PLC0415 - boto3 costs half a second that few starts need
    from .store.backends.s3_versions import unhide  # noqa: PLC0415

    around, prefix = folder.place if isinstance(folder, PrefixedStore) else (folder, "")
    return sum(1 for _ in unhide(around, prefix + KEYS)) if isinstance(around, S3Store) else 0


def _locked(folder: ObjectStore, name: str) -> str:
    until: datetime | None = folder.locked_until(envelope_key(name))
    return f"locked until {until:%d %B %Y}" if until else ""


def _note_the_end(account_id: int) -> None:
    with transaction.atomic():
        vault = locked_vault(account_id)
        if vault.shredded_at is None:
            vault.shredded_at = clock.now()
            vault.save(update_fields=["shredded_at"])
            record("vault.shredded", subject_id=vault.public_id, audited="")
