"""Stores that an account brings along: added, tested, given other credentials, taken out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.activity.services import record
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id

from .answering import known_store
from .enums import PackState, StoreState
from .errors import StoreError, TriedTooOften
from .models import Pack, PackCopy, Shelf, Store
from .shelves import shelf_is_used
from .store.marker import ensure_marker
from .store.probe import Outcome, ProbeResult, probe
from .stores import credentials_of, reach_own, seal_credentials
from .trying import tried

_REFUSED: Final = "begin"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of adding or changing a store: the store when it works, and each step of its test."""

    store: Store | None
    results: list[ProbeResult]


def store_add(*, name: str, url: str, credentials: Mapping[str, str]) -> Tried:
    """Test a store and keep it when it does all that the vault needs. Nothing is kept otherwise."""
    require(Permission.ACCOUNT_SETTINGS)
    try:
        results, store_id = tried(partial(_try_new, url, credentials))
    except StoreError as error:
        return Tried(None, [_broken(error)])
    if store_id is None:
        return Tried(None, results)
    account_id = current_account_id()
    row = Store(account_id=account_id, name=name, url=url, store_id=store_id)
    if Store.objects.filter(account_id=account_id, store_id=row.store_id).exists():
        raise Conflict("This store is in your list already.", do="Change its credentials there.")
    row.sealed_credentials = seal_credentials(row, credentials)
    _note(row, results)
    with transaction.atomic():
        row.save()
        record(
            "storage.added", item_label=name, subject_id=row.public_id, audited=f"{name}, {url}", address=url
        )
    return Tried(row, results)


def store_change(store: Store, *, name: str, credentials: Mapping[str, str]) -> Tried:
    """Give a store another name, and other credentials if any, once these work in the same store."""
    require(Permission.ACCOUNT_SETTINGS)
    results: list[ProbeResult] = []
    if credentials:
        results = _tried(store, credentials)
        if any(result.failed for result in results):
            return Tried(None, results)
        store.sealed_credentials = seal_credentials(store, credentials)
        _note(store, results)
    store.name = name
    with transaction.atomic():
        store.save()
        said = f"{name}, with new credentials" if credentials else name
        record("storage.changed", item_label=name, subject_id=store.public_id, audited=said)
    return Tried(store, results)


def store_test(store: Store) -> list[ProbeResult]:
    """Test a store as it is kept, and note what came of it, unless it was tested too often."""
    require(Permission.ACCOUNT_SETTINGS)
    results = _tried(store, None)
    if results[0].name == _REFUSED:
        return results
    _note(store, results)
    store.save(update_fields=["state", "state_reason", "test", "tested_at"])
    return results


def store_remove(store: Store) -> None:
    """Take a store out of the list. What lies in it stays there. Raises Conflict while anything needs it."""
    require(Permission.ACCOUNT_SETTINGS)
    with transaction.atomic():
        for shelf in Shelf.objects.filter(store=store, number__gt=0):
            if not shelf_is_used(shelf):
                shelf.delete()
        where = Q(store=store) | Q(replica=store) | Q(former=store)
        packs = Pack.objects.filter(store=store).exclude(state=PackState.DELETED)
        if (
            Shelf.objects.filter(where).exists()
            or packs.exists()
            or PackCopy.objects.filter(store=store).exists()
        ):
            raise Conflict(
                f"{store} is in use.",
                do="Move the backups to another store, and wait until the old copies are gone.",
            )
        # Rows of deleted packs stay as bars (V14), wherever their packs were.
        bars = Pack.objects.filter(store=store)
        if bars.exists():
            bars.update(store=Shelf.objects.get(number=0).store)
        store.delete()
        said = f"{store.name}, {store.url}"
        record(
            "storage.removed",
            item_label=store.name,
            subject_id=store.public_id,
            audited=said,
            address=store.url,
        )


def _tried(store: Store, credentials: Mapping[str, str] | None) -> list[ProbeResult]:
    try:
        return tried(partial(_try_kept, store.url, credentials or credentials_of(store) or {}, store.store_id))
    except TriedTooOften as error:
        return [ProbeResult(_REFUSED, "Begin the test", Outcome.FAILED, error.what, error.do)]
    except StoreError as error:
        return [_broken(error)]


def _try_new(url: str, credentials: Mapping[str, str]) -> tuple[list[ProbeResult], UUID | None]:
    """Return how each step went, and the id of the store when all went well."""
    place = reach_own(url, credentials, knock=True)
    results = probe(place)
    return results, None if any(result.failed for result in results) else ensure_marker(place)


def _try_kept(url: str, credentials: Mapping[str, str], store_id: UUID) -> list[ProbeResult]:
    return probe(known_store(url, credentials, store_id))


def _broken(error: StoreError) -> ProbeResult:
    return ProbeResult("reach", "Reach the store", Outcome.FAILED, error.what, error.do)


def _note(store: Store, results: list[ProbeResult]) -> None:
    bad = next((result for result in results if result.failed), None)
    store.state = StoreState.FAILING if bad else StoreState.WORKING
    store.state_reason = f"{bad.what} {bad.do}".strip() if bad else ""
    store.test = [[r.name, r.label, str(r.outcome), r.what, r.do] for r in results]
    store.tested_at = clock.now()
