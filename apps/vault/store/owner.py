"""Which installation a vault belongs to: two that collect garbage in one vault would delete each other's packs.

A vault's folder holds an object for each owner that it ever had, `owners/<number>`; the highest number counts.
Each is written once, on condition that its name is free, so of two that claim at once one loses and learns it.
It fences off mistakes of honest installations, not whoever can write the store.
"""

import json
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from .backends.base import ObjectStore
from .errors import ObjectConflict, OwnerUnreadable

FOLDER: Final = "owners/"
_NAME: Final = re.compile(rf"{FOLDER}(\d{{10}})")
_FORMAT: Final = 1
_MAX_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Owner:
    """An installation, and since when the vault is its own."""

    number: int
    installation: uuid.UUID
    since: datetime


def read_owner(folder: ObjectStore) -> Owner | None:
    """Return whose a vault is, None when nobody has said so yet. Raises OwnerUnreadable, StoreError."""
    number = _last(folder)
    if not number:
        return None
    key = owner_key(number)
    size = folder.size(key) or 0
    try:
        said = json.loads(folder.get_range(key, 0, min(size, _MAX_BYTES))) if size else None
        if isinstance(said, dict) and said.get("format") == _FORMAT:
            since = datetime.fromisoformat(str(said["since"]))
            return Owner(number, uuid.UUID(str(said["installation"])), since)
    except (ValueError, KeyError, RecursionError) as error:
        raise OwnerUnreadable(f"{key}, which says whose this vault is, cannot be read.") from error
    raise OwnerUnreadable(f"{key}, which says whose this vault is, is of a format unknown to this release.")


def take(folder: ObjectStore, installation: uuid.UUID, now: datetime) -> Owner | None:
    """Make a vault that of an installation, after whoever had it; returns whose it is then.

    Somebody else's who did the same at this moment, perhaps. Raises OwnerUnreadable, StoreError.
    """
    since = now.astimezone(UTC).isoformat(timespec="seconds")
    said = {"format": _FORMAT, "installation": str(installation), "since": since}
    with suppress(ObjectConflict):  # somebody else was first: what is read now says who
        folder.put_if_absent(owner_key(_last(folder) + 1), json.dumps(said).encode("ascii"))
    return read_owner(folder)


def owner_key(number: int) -> str:
    """Return the object name of the vault's n-th owner."""
    return f"{FOLDER}{number:010d}"


def _last(folder: ObjectStore) -> int:
    names = (_NAME.fullmatch(found.key) for found in folder.list(FOLDER))
    return max((int(name[1]) for name in names if name), default=0)
