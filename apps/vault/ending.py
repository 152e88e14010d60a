"""What becomes of an account's vault when the account is deleted: first its keys, at last its objects."""

import time
from datetime import timedelta
from typing import Final

from django.db import connection

from apps.accounts.registry import StepResult
from apps.core import clock

from .models import BlobLocation, CondemnedBlob, VaultKey
from .ownership import folder_is_ours
from .services import key_places
from .shredding import vault_shred
from .store.backends.base import ObjectStore
from .store.errors import StoreError, VaultTaken

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
        return StepResult("", proof)
    return StepResult("; ".join(str(remnant) for remnant in outcome.remnants), proof)


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


def empty_stores(account_id: int) -> StepResult:
    """Delete the vault's objects in every store: unreadable now, but somebody pays for them."""
    vault = VaultKey.objects.filter(shredding_since__isnull=False).first()
    if vault is None:
        return StepResult()
    deleted, left, waits = 0, 0, ""
    until = time.monotonic() + PASS_SECONDS
    for _, folder in key_places(vault):
        try:
            if isinstance(folder, StoreError):
                raise folder
            folder_is_ours(folder, "")  # V20: another installation's customer may live on these objects
            gone, kept, through = _empty(folder, until)
        except (StoreError, VaultTaken) as error:
            gone, kept, through, waits = 0, 0, True, str(error)
        deleted, left = deleted + gone, left + kept
        if not through:
            return StepResult("more objects are to be deleted", {"deleted": deleted, "left": left})
    if left:
        waits = f"{left} objects cannot be deleted yet"
    patient = vault.shredded_at and clock.now() - vault.shredded_at < PATIENCE
    return StepResult(waits if patient else "", {"deleted": deleted, "left": left})


def _empty(folder: ObjectStore, until: float) -> tuple[int, int, bool]:
    """How many objects were deleted, how many could not be, and whether the time was enough for all."""
    deleted = left = 0
    for found in folder.list(""):
        if time.monotonic() > until:
            return deleted, left, False
        try:
            folder.delete(found.key)
            deleted += 1
        except StoreError:
            left += 1
    return deleted, left, True
