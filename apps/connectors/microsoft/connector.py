"""The connector of Microsoft 365: ties the files of this package to the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from apps.connectors.base import (
    CallCounter,
    ChangePage,
    Cursor,
    EntityRef,
    Fetched,
    FetchProblem,
    FoundEntity,
    FoundGroup,
    RoomReport,
    Upsert,
)
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.permissions_needed import READING, WRITING
from apps.connectors.writing import ItemWriter
from apps.core.errors import Forbidden, InvalidRequest, Malformed

from .auth import AppIdentity
from .client import GraphClient
from .exchange.contact_changes import contact_changes, list_contacts
from .exchange.contact_fetch import fetch_contacts
from .exchange.contact_write import ContactWriter
from .exchange.discovery import discover_mailboxes
from .exchange.event_changes import EventRound
from .exchange.event_fetch import fetch_events
from .exchange.event_listed import list_events
from .exchange.event_write import EventWriter
from .exchange.mail_archive import fetch_anywhere, list_anywhere, mail_changes
from .exchange.mail_write import MailWriter
from .exchange.note_changes import list_notes, note_changes
from .exchange.note_fetch import fetch_notes
from .exchange.note_write import NoteWriter
from .exchange.settings_read import fetch_settings, list_settings, setting_changes
from .exchange.settings_write import SettingsWriter
from .exchange.todo_changes import list_tasks, todo_changes
from .exchange.todo_fetch import fetch_tasks
from .exchange.todo_write import TaskWriter
from .groups import read_groups, read_members
from .usage import read_room

_ORGANIZATION: Final = "/organization?$select=id,displayName"

OpenGraph = Callable[[AppIdentity, CallCounter], GraphClient]


def open_graph(identity: AppIdentity, counter: CallCounter) -> GraphClient:
    """Open Graph with the settings of this installation."""
    return GraphClient(identity, counter=counter)


class ItemReader(NamedTuple):
    """How one kind of data is read: what changed since a cursor, the contents by their ids, and single ones."""

    changes: Callable[[GraphClient, EntityRef, Cursor | None], AsyncIterator[ChangePage]]
    fetch: Callable[[GraphClient, EntityRef, Sequence[str]], AsyncIterator[Fetched | FetchProblem]]
    listed: Callable[[GraphClient, EntityRef, Sequence[str]], Awaitable[dict[str, Upsert]]]


def _of_user(
    changes: Callable[[GraphClient, str, Cursor | None], AsyncIterator[ChangePage]],
    fetch: Callable[[GraphClient, str, Sequence[str]], AsyncIterator[Fetched | FetchProblem]],
    listed: Callable[[GraphClient, str, Sequence[str]], Awaitable[dict[str, Upsert]]],
) -> ItemReader:
    """Make a reader of what needs to know whose mailbox it is, and no more."""
    return ItemReader(
        lambda graph, entity, cursor: changes(graph, entity.remote_id, cursor),
        lambda graph, entity, ids: fetch(graph, entity.remote_id, ids),
        lambda graph, entity, ids: listed(graph, entity.remote_id, ids),
    )


# In the order of a run. Each kind of data has its own files in `exchange/`.
READERS: Final[dict[SubService, ItemReader]] = {
    SubService.MAIL: ItemReader(mail_changes, fetch_anywhere, list_anywhere),
    SubService.CALENDARS: _of_user(
        lambda graph, user, cursor: EventRound(graph, user, cursor).pages(), fetch_events, list_events
    ),
    SubService.CONTACTS: _of_user(contact_changes, fetch_contacts, list_contacts),
    SubService.TASKS: _of_user(todo_changes, fetch_tasks, list_tasks),
    SubService.NOTES: _of_user(note_changes, fetch_notes, list_notes),
    SubService.SETTINGS: _of_user(setting_changes, fetch_settings, list_settings),
}
WRITERS: Final[dict[SubService, Callable[[GraphClient, str], ItemWriter]]] = {
    SubService.MAIL: MailWriter,
    SubService.CALENDARS: EventWriter,
    SubService.CONTACTS: ContactWriter,
    SubService.TASKS: TaskWriter,
    SubService.NOTES: NoteWriter,
    SubService.SETTINGS: SettingsWriter,
}


class Opened:
    """What reading and writing share: a client that lives inside `async with`."""

    def __init__(self, identity: AppIdentity, *, open_client: OpenGraph = open_graph) -> None:
        self.counter = CallCounter()
        self._identity, self._open = identity, open_client
        self._client: GraphClient | None = None

    async def __aenter__(self) -> Self:
        self._client = self._open(self._identity, self.counter)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @property
    def graph(self) -> GraphClient:
        if self._client is None:
            raise RuntimeError("use `async with` around the connector")
        return self._client


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation at Microsoft. `tenant_id` is a GUID in lower case, whatever it was asked by."""

    tenant_id: str
    name: str


class MicrosoftConnector(Opened):
    """Read side (`base.Connector`)."""

    async def test(self) -> str:
        return (await self.tenant()).name

    async def tenant(self) -> Tenant:
        """Sign in and read which tenant this is. Raises ConsentLost or Forbidden."""
        found: dict[str, Any] = await self.graph.get_json(_ORGANIZATION, pool=self.graph.pool())
        tenants = found.get("value")
        if not isinstance(tenants, list) or not tenants or not isinstance(tenants[0], dict):
            raise Malformed("Microsoft did not say which tenant this is.")
        tenant_id = str(tenants[0].get("id") or self._identity.tenant_id).lower()
        return Tenant(tenant_id, str(tenants[0].get("displayName") or tenant_id))

    def discover(self) -> AsyncIterator[FoundEntity]:
        return discover_mailboxes(self.graph)

    def groups(self) -> AsyncIterator[FoundGroup]:
        return read_groups(self.graph)

    def members(self, group_id: str) -> AsyncIterator[str]:
        return read_members(self.graph, group_id)

    async def room(self) -> RoomReport | None:
        return await read_room(self.graph)

    def sub_services(self, kind: EntityKind) -> tuple[SubService, ...]:
        return tuple(READERS)

    def changes(
        self, entity: EntityRef, sub_service: SubService, cursor: Cursor | None
    ) -> AsyncIterator[ChangePage]:
        return _with_advice(READERS[sub_service].changes(self.graph, entity, cursor), sub_service)

    def fetch(
        self, entity: EntityRef, sub_service: SubService, remote_ids: Sequence[str]
    ) -> AsyncIterator[Fetched | FetchProblem]:
        return READERS[sub_service].fetch(self.graph, entity, remote_ids)

    async def listed(
        self, entity: EntityRef, sub_service: SubService, remote_ids: Sequence[str]
    ) -> dict[str, Upsert]:
        return await READERS[sub_service].listed(self.graph, entity, remote_ids)


async def _with_advice(pages: AsyncIterator[ChangePage], sub_service: SubService) -> AsyncIterator[ChangePage]:
    """Say of a refusal which permission serves this kind of data."""
    try:
        async for page in pages:
            yield page
    except Forbidden as error:
        error.do = (
            f"Consent to {READING[sub_service]} for the app at Microsoft, or see whether an access policy "
            "there leaves this mailbox out."
        )
        raise


class MicrosoftWriter(Opened):
    """Write side (`base.Writer`)."""

    async def missing(self, sub_services: Sequence[SubService]) -> list[str]:
        wanted = dict.fromkeys(WRITING[each] for each in sub_services if each in WRITING)
        granted = await self.graph.granted()
        if granted is not None and not granted.issuperset(wanted):
            self.graph.sign_in_anew()  # the kept token may be older than the consent
            granted = await self.graph.granted()
        return [] if granted is None else [name for name in wanted if name not in granted]

    def items(self, entity: EntityRef, sub_service: SubService) -> ItemWriter:
        if sub_service not in WRITERS:
            raise InvalidRequest(f"{sub_service.label} cannot be written back.")
        return WRITERS[sub_service](self.graph, entity.remote_id)
