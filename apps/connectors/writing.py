"""The write side of the connector contract: what restores ask of a cloud, one kind of data at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, Self, runtime_checkable

from .base import CallCounter, EntityRef, Upsert
from .enums import SubService


@dataclass(frozen=True, slots=True)
class WriteItem:
    """One item to be written back. `restore_key` is stored on the item, so that a repeat finds it.

    `content` and `attachments` are what `Fetched` gave. `name` is how the provider showed it; empty: what the
    content says. `tags` are words that the provider shows on the item (RST-07: "Restored 2026-11-21").
    `over` is the live item whose place it takes: what a mailbox has only one of is changed there. `returning`:
    it was here until a restore took its place, so what acts on its own (a rule, automatic replies) acts again.
    """

    restore_key: str
    folder_id: str
    content: bytes
    props: bytes
    name: str = ""
    attachments: tuple[bytes, ...] = ()
    tags: tuple[str, ...] = ()
    over: str = ""
    returning: bool = False


UNFINISHED = "unfinished:"
"""Begins the key of what is still being written: such an item is nobody's but the restore's."""
KEPT = "kept:"
"""Begins the id of a NewItem that was in the mailbox already, just so: nothing was written (settings)."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """What became of a written item. `not_possible`: attributes that the provider does not let anybody set,
    in words for the report ("Attendees are named in the text: Microsoft would invite them again")."""

    remote_id: str
    not_possible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A written item as the provider shows it afterwards, for verification and for undo.

    `state` changes whenever somebody changes the item (the provider's change key). `faults`: attributes that
    read other than what was written, in words.
    """

    remote_id: str
    folder_id: str
    name: str
    time: datetime | None
    is_draft: bool = False
    state: str = ""
    faults: tuple[str, ...] = ()


class Listing(NamedTuple):
    """What is in one live folder: etags by id, and ids by what identifies an item."""

    etags: Mapping[str, str]
    alike: Mapping[str, Sequence[str]]


def passing_key(restore_key: str) -> str:
    """Return the key that an item carries until it is whole."""
    return UNFINISHED + restore_key


class ItemWriter(Protocol):
    """Write side of one sub-service of one entity. Raises `apps.core.errors` only."""

    async def folders(self) -> list[Upsert]:
        """All live folders (calendars, task lists...), parents before children."""
        ...

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        """Return the id of the folder of that name under the parent, created when missing."""
        ...

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        """Map restore keys to ids of items written before, so that a repeat writes nothing twice."""
        ...

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Map the remote id of each (remote_id, props) that is live in that folder to its live id.

        First by remote id, else by what identifies the item (Internet message id, iCalendar uid...).
        """
        ...

    async def write(self, item: WriteItem) -> NewItem:
        """Create the item as it was, once, with its dates, flags and folder; nobody is invited or notified."""
        ...

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        """Return by id what is there now of these items, compared with what was written where that is given.

        Ids that are not there are left out.
        """
        ...

    async def remove(self, remote_id: str) -> None:
        """Delete an item (replace, after its successor was written; undo). One that has gone is no error."""
        ...

    async def remove_folder(self, remote_id: str) -> bool:
        """Delete a folder if it is empty; False when it is not. One that has gone counts as deleted."""
        ...


@runtime_checkable
class ListsFolders(Protocol):
    """A writer that can read a whole folder at once: for who asks after many items and writes nothing."""

    async def list_folder(self, folder_id: str) -> Listing:
        """Return what is in the folder now."""
        ...

    def find_listed(self, listing: Listing, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Answer `find_existing` from a listing."""
        ...


@runtime_checkable
class TellsPlaces(Protocol):
    """A writer whose items keep their ids when people move them."""

    async def places(self, remote_ids: Sequence[str]) -> dict[str, str]:
        """Map ids to the folders in which they are now; those that are not there are left out."""
        ...


class Writer(Protocol):
    """Write side, opened with `open_writer`; needs write consent at the provider."""

    counter: CallCounter

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...

    async def missing(self, sub_services: Sequence[SubService]) -> list[str]:
        """Name the permissions that writing these kinds of data needs and that nobody has consented to.

        Empty also when the provider does not tell: then writing tells. Raises ConsentLost.
        """
        ...

    def items(self, entity: EntityRef, sub_service: SubService) -> ItemWriter:
        """Return the writer of one kind of data. Raises InvalidRequest for what cannot be written."""
        ...
