"""The connector contract: what every cloud offers to backups and recovery.

A connector is asynchronous, knows nothing of the database or the vault, and raises only
`apps.core.errors`. It is opened for one connection and closed after use:

    async with open_connector(connection) as connector:
        async for page in connector.changes(entity, SubService.MAIL, cursor): ...
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from apps.core.errors import EverkeepError

from .enums import EntityKind, SkipCause, SubService

Cursor = dict[str, Any]
"""Where the provider's list of changes was read up to. JSON; opaque to everybody but its connector."""


DIRECTORY_PROPERTIES: Mapping[str, str] = {
    "department": "Department",
    "job_title": "Job title",
    "office": "Office",
    "city": "City",
    "state": "State or province",
    "country": "Country",
    "company": "Company",
    "employee_type": "Type of employment",
}
"""What a directory may say of people in `FoundEntity.properties`, and its words. Left out: it says nothing."""


@dataclass(frozen=True, slots=True)
class FoundEntity:
    """One protectable thing of a tenant. `remote_id` is stable over renames."""

    remote_id: str
    kind: EntityKind
    name: str
    address: str
    licensed: bool | None
    reachable: bool = True
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """A group of the tenant's directory. `kind` in words; `dynamic`: its members follow a rule of theirs."""

    remote_id: str
    name: str
    kind: str
    address: str = ""
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class EntityRef:
    """What a connector needs to address an entity.

    `recoverable`: also what its people deleted for good. `archive`: also its in-place archive.
    """

    remote_id: str
    kind: str
    address: str
    recoverable: bool = False
    archive: bool = False


class NotOffered(EverkeepError):
    """The provider has no such kind of data for this entity at all. No failure: the ledger says so."""

    code = "not_offered"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """What belongs to an entity, but cannot be read through the provider's interface: `why`, in a sentence."""

    what: str
    why: str


class Upsert(NamedTuple):
    """A folder or an item as the provider has it now.

    `etag` changes whenever content or properties do; equal etag means the stored content may be used again.
    `props` is what is kept beside the content (flags, categories, read state...): JSON bytes, canonical.
    `parent_id` is None for the root's children only when the provider has no root folder.
    `time` is the item's own time (received, modified), the column that lists are sorted by.
    `size` is how many bytes `fetch` will bring, where that is known beforehand.
    """

    remote_id: str
    parent_id: str | None
    is_folder: bool
    name: str
    etag: str
    props: bytes
    author: str = ""
    recipients: str = ""
    time: datetime | None = None
    has_attachments: bool = False
    well_known: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """Left `parent_id`: deleted, or moved to a folder whose own changes name it.

    It ends an item only if the item is still known in `parent_id`; with `parent_id` None it ends it anywhere.
    A removed folder ends everything that is still inside it when all changes have been read.
    """

    remote_id: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class FolderListed:
    """Marks that the items of `folder_id` were listed in full in this round, not by changes.

    Items still known in that folder and not named since the round began are no longer there; its subfolders
    are judged by FoldersListed. `expected` is the provider's own count of items, for the coverage ledger.
    """

    folder_id: str
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class FoldersListed:
    """Marks that all folders were listed in full in this round: those that were not named are gone."""


@dataclass(frozen=True, slots=True)
class FolderCount:
    """The provider's own count of items in one folder, for the coverage ledger."""

    folder_id: str
    items: int


@dataclass(frozen=True, slots=True)
class FolderFailed:
    """Marks that `folder_id` could not be read to its end in this round, though its neighbours could.

    What is known of it stays as it is; the cursor makes the next round try again. The run is partial.
    `whole`: nor could the folders below it, so that none of them has gone for not being named.
    """

    folder_id: str
    what: str
    do: str = ""
    code: str = ""
    request_id: str = ""
    whole: bool = False


Change = Upsert | Removal | FolderListed | FoldersListed | FolderCount | FolderFailed


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes in the provider's order, and on the last page of the round the cursor for the next one."""

    changes: Sequence[Change]
    cursor: Cursor | None = None


class ContentForm(Enum):
    """What `Fetched.content` is: a message as the provider served it, or an item's fields (`documents`)."""

    MIME = "mime"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class FetchProblem:
    """One item that could not be fetched. With a `skip` cause it is skipped for good, else retried next run."""

    remote_id: str
    what: str
    do: str = ""
    skip: SkipCause | None = None
    code: str = ""
    request_id: str = ""


class Fetched(NamedTuple):
    """Content of one item.

    MIME: the exact bytes. DOCUMENT: canonical JSON of what the provider tells about the item; the bytes of its
    files are `attachments`, and the document's own list of them names each by its place (`documents`).
    `missing`: one word for each file that was not handed out. The item is stored without it, as a gap, and is
    asked for again by the next run.
    """

    remote_id: str
    content: bytes
    form: ContentForm = ContentForm.MIME
    attachments: tuple[bytes, ...] = ()
    missing: tuple[FetchProblem, ...] = ()


@dataclass(slots=True)
class CallCounter:
    """What the connection cost so far."""

    calls: int = 0
    bytes_received: int = 0
    throttled: int = 0
    waited_seconds: float = 0.0


class Connector(Protocol):
    """Read side. Every method may raise ConsentLost, Forbidden, Unavailable, Throttled (all tries used up)."""

    counter: CallCounter

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...

    async def test(self) -> str:
        """Sign in and read the least; returns the tenant's display name."""
        ...

    def discover(self) -> AsyncIterator[FoundEntity]:
        """Yield every protectable entity of the tenant."""
        ...

    def groups(self) -> AsyncIterator[FoundGroup]:
        """Yield every group of the directory. Needs a permission of its own: raises Forbidden without it."""
        ...

    def members(self, group_id: str) -> AsyncIterator[str]:
        """Yield the remote ids of all who belong to a group, also through groups inside it, each once or more.

        Raises Gone when the group is no longer there: nobody left it then, it is the rule that lost its ground.
        """
        ...

    def sub_services(self, kind: EntityKind) -> tuple[SubService, ...]: ...

    def changes(
        self, entity: EntityRef, sub_service: SubService, cursor: Cursor | None
    ) -> AsyncIterator[ChangePage]:
        """Yield what changed since `cursor` (None: everything there is). Raises Gone if the entity is gone,
        NotOffered if it has no data of this kind.

        A cursor refused by the provider is no error: the folder or the whole is listed in full instead and
        said so by FolderListed.
        """
        ...

    def fetch(
        self, entity: EntityRef, sub_service: SubService, remote_ids: Sequence[str]
    ) -> AsyncIterator[Fetched | FetchProblem]:
        """Yield exactly one answer per id, in any order."""
        ...

    async def listed(
        self, entity: EntityRef, sub_service: SubService, remote_ids: Sequence[str]
    ) -> dict[str, Upsert]:
        """Return by id how the provider lists these items now: name and props, which `fetch` does not give.

        Empty for a kind whose content says everything. Ids that are not there are left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """How full a mailbox is by the provider's own count, in bytes; 0 where it says nothing.

    `name`: what its owner signs in with, in small letters. `warned_at`: from there on the owner is warned.
    """

    name: str
    used: int
    warned_at: int
    limit: int


@dataclass(frozen=True, slots=True)
class RoomReport:
    """All mailboxes of a tenant. `concealed`: the organisation has names left out, so there are none."""

    rooms: Sequence[Room]
    concealed: bool = False


@runtime_checkable
class TellsRoom(Protocol):
    """A connector whose provider tells how full mailboxes are."""

    async def room(self) -> RoomReport | None:
        """Return the newest report; None where nobody has consented to reading it."""
        ...
