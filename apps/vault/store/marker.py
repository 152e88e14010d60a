"""The store's own name, kept in the store: an unmounted disk or a mistyped bucket is noticed before a write."""

import json
import uuid
from typing import Final

from .backends.base import ObjectStore
from .errors import ObjectMissing, StoreMismatch

MARKER_KEY: Final = "everkeep-store.json"
_MAX_BYTES: Final = 1024
_FORMAT: Final = 1


def read_marker(store: ObjectStore) -> uuid.UUID | None:
    """Return the store's id, None when there is no marker. Raises StoreMismatch when it cannot be read."""
    size = store.size(MARKER_KEY)
    if size is None:
        return None
    try:
        found = json.loads(store.get_range(MARKER_KEY, 0, min(size, _MAX_BYTES))) if size else None
        if isinstance(found, dict) and found.get("format") == _FORMAT:
            return uuid.UUID(str(found["store"]))
    except ObjectMissing:
        return None
    except (ValueError, KeyError, RecursionError) as error:
        raise StoreMismatch("The store's marker cannot be read.") from error
    raise StoreMismatch("The store's marker is of a format that this release does not know.")


def ensure_marker(store: ObjectStore) -> uuid.UUID:
    """Give a new store its id, or return the one that it has."""
    if found := read_marker(store):
        return found
    text = json.dumps({"format": _FORMAT, "store": str(uuid.uuid4())})
    store.put_if_absent(MARKER_KEY, text.encode("ascii"))
    written = read_marker(store)  # somebody else may have been first
    if written is None:
        raise StoreMismatch("The store forgets what is written to it.")
    return written
