"""Whether a store that a customer brought along is there, and the same as before: asked for while he waits."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from .errors import StoreMismatch
from .models import Store
from .store.backends.base import ObjectStore
from .store.marker import read_marker
from .stores import credentials_of, reach_own
from .trying import tried


def store_answers(store: Store) -> None:
    """Ask a store of the account's own who it is, as long as a page can wait, before more is asked of it.

    Raises StoreUnavailable, StoreRefused, StoreMismatch, TriedTooOften.
    """
    if store.account_id is not None:
        tried(partial(known_store, store.url, credentials_of(store) or {}, store.store_id))


def known_store(url: str, credentials: Mapping[str, str], store_id: UUID) -> ObjectStore:
    """Reach a store that carries this id. Raises StoreError."""
    place = reach_own(url, credentials, knock=True)
    if read_marker(place) != store_id:
        raise StoreMismatch("This is another store than before.", do="Check its bucket and folder.")
    return place
