"""Stores as rows: the operator's, which the settings name, and those that an account brought along."""

import json
import logging
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings

from apps.accounts.models import Account
from apps.core.errors import EverkeepError
from apps.core.public_web import networks
from apps.core.scope import current_account_id
from apps.core.sealing import MasterKeyMissing, SealBroken, seal, unseal

from .enums import StoreState
from .errors import StoreError, StoreMismatch, StoreRefused, VaultTaken
from .models import Store
from .store.backends.addresses import open_store
from .store.backends.base import ObjectStore
from .store.backends.guard import check_endpoint, guard
from .store.marker import ensure_marker, read_marker
from .store.probe import Outcome

log = logging.getLogger(__name__)
OUR_STORE = "A store of Everkeep's does not answer as it should."


def credentials_purpose(store: Store) -> str:
    """Return the name under which a store's credentials are sealed."""
    return f"vault.store:{store.public_id}"


def seal_credentials(store: Store, credentials: Mapping[str, str]) -> bytes:
    """Seal what an account's own store wants besides its address (store/backends/credentials.py)."""
    assert store.account_id is not None, "the operator's stores take their credentials from the environment"
    text = json.dumps(dict(credentials))
    return seal(account_id=store.account_id, purpose=credentials_purpose(store), plaintext=text.encode())


def credentials_of(store: Store) -> dict[str, str] | None:
    """Unseal an account's own credentials; None for the operator's stores, whose chain is asked instead.

    Raises StoreRefused when they cannot be unsealed: then this one store is out of reach, like one whose
    credentials were withdrawn, and nothing else of the account is.
    """
    if store.account_id is None:
        return None
    sealed = bytes(store.sealed_credentials)
    try:
        text = unseal(account_id=store.account_id, purpose=credentials_purpose(store), sealed=sealed)
    except (SealBroken, MasterKeyMissing) as error:
        log.error("The credentials of the store %s cannot be unsealed: %s", store.store_id, error)
        raise StoreRefused(
            f"The credentials of {store} cannot be read any more.",
            do="Enter them again under Settings, Storage.",
        ) from error
    found: dict[str, str] = json.loads(text)
    return found


def reach(store: Store) -> ObjectStore:
    """Open a store as its row describes it. Nothing is contacted yet, and it has proved nothing."""
    credentials = credentials_of(store)
    return open_store(store.url) if credentials is None else reach_own(store.url, credentials)


def reach_own(url: str, credentials: Mapping[str, str], *, knock: bool = False) -> ObjectStore:
    """Open an account's own store: never a folder of ours, never an address inside our network.

    `knock`: try whether anything answers before patience is spent on it. Raises StoreRefused, StoreUnavailable.
    """
    private = networks(settings.STORE_PRIVATE_NETWORKS)
    if endpoint := parse_qs(urlsplit(url).query).get("endpoint"):
        check_endpoint(endpoint[0], private, knock=knock)
    store = open_store(url, credentials=credentials)
    guard(store, private)
    return store


def open_recorded(row: Store) -> ObjectStore:
    """Open a recorded store. V5: what answers there must carry its id, else nothing is read or written."""
    if row.account_id is None:
        _take_new_options(row)
    store = reach(row)
    if read_marker(store) == row.store_id:
        _answers_again(row)
        return store
    if row.account_id is None:
        for url in operator_urls():
            if url == row.url:
                continue
            moved = open_store(url)
            if read_marker(moved) == row.store_id:
                _move(row, url)
                return moved
        log.error("At %s is not the store %s.", row.url, row.store_id)  # customers read the error, not the log
        raise StoreMismatch(
            "What answers is not the store that holds this vault.",
            do="Mount or reconnect it, or set EVERKEEP_VAULT_URL or EVERKEEP_REGIONS to where it is now.",
        )
    raise StoreMismatch(
        f"In {row} lies another store than the one that was added, or none.",
        do="Check under Settings, Storage, that bucket and folder are the same as before.",
    )


def _take_new_options(row: Store) -> None:
    """Follow the settings when they name the same place with other options: a lock that was added must hold."""
    urls = operator_urls()
    if row.url not in urls:
        place = urlsplit(row.url)[:3]
        same = next((url for url in urls if urlsplit(url)[:3] == place), None)
        if same and read_marker(open_store(same)) == row.store_id:
            _move(row, same)


def operator_urls() -> list[str]:
    """Return the addresses of the operator's stores, the default one first."""
    return list(dict.fromkeys([settings.VAULT_URL, *settings.REGIONS.values()]))


def default_store(account_id: int) -> Store:
    """Return the operator's store for an account's location (features ACC-03); recorded on first use."""
    location = Account.objects.values_list("location", flat=True).get(pk=account_id)
    return operator_store(settings.REGIONS.get(location, settings.VAULT_URL))


def operator_store(url: str) -> Store:
    """Return the row of an operator's store, marked and recorded on first use. Raises StoreError."""
    own = Store.objects.filter(account__isnull=True)
    if known := own.filter(url=url).first():
        open_recorded(known)
        return known
    store_id = ensure_marker(open_store(url))
    row, made = own.get_or_create(store_id=store_id, defaults={"url": url})
    if not made:
        _move(row, url)
    return row


def customer_words(trouble: str) -> str:
    """Return what a customer may read of an error: where the operator's stores are is not his business."""
    for url in operator_urls():
        parts = urlsplit(url)
        endpoint = parse_qs(parts.query).get("endpoint", [""])[0]
        names = [parts.netloc, unquote(parts.path), urlsplit(endpoint).netloc]
        if parts.scheme != "file":
            names += unquote(parts.path).split("/")
        if any(len(name) > 1 and name in trouble for name in names):
            return OUR_STORE
    return trouble


def discreet_words(error: EverkeepError) -> str:
    """Return what a customer reads in place of an error of the operator's store, "" for any other error.

    With a store of his own in use, only what names one of ours is kept from him.
    """
    if isinstance(error, VaultTaken):
        return "These backups belong to another installation of Everkeep. Ask its operator."
    if not isinstance(error, StoreError):
        return ""
    neutral = customer_words(str(error))
    if neutral != str(error) or not Store.objects.filter(account_id=current_account_id()).exists():
        return OUR_STORE
    return ""


def note_trouble(store_row: int, error: StoreError) -> None:
    """Show on the page that a store failed while it was used."""
    Store.objects.filter(pk=store_row).update(state=StoreState.FAILING, state_reason=str(error))


def _answers_again(row: Store) -> None:
    """Take back what `note_trouble` noted; what a test found stays until the next test."""
    if row.state == StoreState.FAILING and not any(step[2] == Outcome.FAILED for step in row.test):
        state = StoreState.WORKING if row.test else StoreState.UNTESTED
        Store.objects.filter(pk=row.pk).update(state=state, state_reason="")


def _move(row: Store, url: str) -> None:
    """Note that a store answers at another address: its marker has proved that it is the same."""
    log.warning("The store %s is now at %s (was %s).", row.store_id, url, row.url)
    row.url = url
    row.save(update_fields=["url"])
