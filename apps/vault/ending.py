"""What becomes of an account's vault when the account is deleted: first its keys, at last its objects."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from apps.accounts.registry import StepResult
from apps.core import clock
from apps.core.scope import current_account_id

from .models import BlobLocation, CondemnedBlob, Store, VaultKey
from .ownership import folder_is_ours
from .services import key_places
from .shredding import vault_shred
from .store.backends.base import ObjectStore
from .store.errors import ObjectLocked, StoreError, VaultTaken
from .stores import customer_words

PASS_SECONDS: Final = 600.0  # then others may have the worker; the next hour goes on
# So long after the shredding a store may be away, or hold objects by a lock. What is left then is noise.
PATIENCE: Final = timedelta(days=7)


def destroy_keys(account_id: int) -> StepResult:
    """Shred; wait until the listing of every store shows that no envelope is left.

    Our own copy of the keys is gone at once. For a store of the customer's own, or one where another
    installation has the vault, PATIENCE ends: the proof then says in how many places something may be left.
    """
    outcome = vault_shred(account_id=account_id)
    proof = {"envelopes_destroyed": len(outcome.destroyed), "left": len(outcome.remnants)}
    if outcome.remnants and all(remnant.beyond_us for remnant in outcome.remnants) and _patience_is_over():
        left = [
            f"In {_words(remnant.place)} sealed keys may be left: {customer_words(remnant.why)}"
            for remnant in outcome.remnants
        ]
        return StepResult("", proof, left)
    return StepResult("; ".join(str(remnant) for remnant in outcome.remnants), proof)


def _words(place: str) -> str:
    """What a customer may read of where a store is."""
    own = Store.objects.filter(account_id=current_account_id(), url=place).first()
    return f"{own.name} ({place.partition('?')[0]})" if own else "a store of Everkeep's"


def _patience_is_over() -> bool:
    return VaultKey.objects.filter(shredding_since__lte=clock.now() - PATIENCE).exists()


def forget_places(account_id: int) -> StepResult:
    """Delete the rows that say where each blob lies: slice by slice, as there may be a hundred million."""
    for model in (BlobLocation, CondemnedBlob):
        for first in range(256):
            slice_ = model.objects.filter(account_id=account_id, blob_id__gte=bytes([first]))
            if first < 255:
                slice_ = slice_.filter(blob_id__lt=bytes([first + 1]))
            slice_._raw_delete(using=connection.alias)
    return StepResult()


@dataclass(slots=True)
class _Emptied:
    """What came of emptying one store: `until` is the last day of the locks in it."""

    deleted: int = 0
    left: int = 0
    until: datetime | None = None
    why: StoreError | VaultTaken | None = None
    through: bool = True

    @property
    def is_empty(self) -> bool:
        return not self.left and self.why is None

    def words(self, place: str) -> str:
        """Why something is left there, for whoever can delete it later."""
        if not self.left:
            return f"{_words(place)} could not be emptied: {customer_words(str(self.why))}"
        day = f"locked until {self.until:%-d %B %Y}" if self.until else customer_words(str(self.why))
        return f"{self.left} objects are left in {_words(place)}: {day}"

    def proof(self, place: str) -> dict[str, object]:
        """The same for the tombstone, which keeps no words that a person chose."""
        until = self.until.isoformat() if self.until else None
        return {"store": place, "left": self.left, "locked_until": until, "why": self.why and self.why.code}


def empty_stores(account_id: int) -> StepResult:
    """Delete the vault's objects in every store: unreadable now, but somebody pays for them.

    A store that cannot be emptied, or a lock, is waited for during PATIENCE; then the result names it.
    """
    vault = VaultKey.objects.filter(shredding_since__isnull=False).first()
    if vault is None:
        return StepResult()
    until = time.monotonic() + PASS_SECONDS
    outcomes: list[tuple[str, _Emptied]] = []
    for place, folder in key_places(vault):
        outcomes.append((place, _emptied(folder, until)))
        if not outcomes[-1][1].through:
            break
    numbers = {name: sum(getattr(one, name) for _, one in outcomes) for name in ("deleted", "left")}
    if not outcomes[-1][1].through:
        return StepResult("more objects are to be deleted", numbers)
    kept = [(place, one) for place, one in outcomes if not one.is_empty]
    proof = {**numbers, "left_in": [one.proof(place) for place, one in kept]}
    if kept and vault.shredded_at and clock.now() - vault.shredded_at < PATIENCE:
        return StepResult("; ".join(one.words(place) for place, one in kept), proof)
    return StepResult("", proof, [one.words(place) + "." for place, one in kept])


def _emptied(folder: ObjectStore | StoreError, until: float) -> _Emptied:
    done = _Emptied()
    try:
        if isinstance(folder, StoreError):
            raise folder
        folder_is_ours(folder, "")  # V20: another installation's customer may live on these objects
        _empty(folder, until, done)
    except (StoreError, VaultTaken) as error:
        done.why = error
    return done


def _empty(folder: ObjectStore, until: float, done: _Emptied) -> None:
    """Delete what can be, and count what cannot."""
    for found in folder.list(""):
        if time.monotonic() > until:
            done.through = False
            return
        try:
            folder.delete(found.key)
            done.deleted += 1
        except ObjectLocked as error:
            done.left, done.why = done.left + 1, done.why or error
            done.until = max(filter(None, (done.until, _locked_until(folder, found.key))), default=None)
        except StoreError as error:
            done.left, done.why = done.left + 1, error


def _locked_until(folder: ObjectStore, key: str) -> datetime | None:
    """The day of a lock; None when the store does not say it, which must not stop the emptying."""
    try:
        return folder.locked_until(key)
    except StoreError:
        return None
