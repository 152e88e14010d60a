"""The connector of Microsoft 365: ties the files of this package to the contract."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from apps.connectors.base import (
    CallCounter,
    ChangePage,
    Cursor,
    EntityRef,
    Fetched,
    FetchProblem,
    FoundEntity,
    Upsert,
    WriteItem,
    Written,
)
from apps.connectors.enums import EntityKind, SubService
from apps.core.errors import Malformed

from .auth import AppIdentity
from .client import GraphClient
from .exchange.discovery import discover_mailboxes
from .exchange.folder_write import ensure_folder, list_folders
from .exchange.mail_changes import MailRound
from .exchange.mail_fetch import fetch_mail
from .exchange.mail_write import MailWriter

_ORGANIZATION: Final = "/organization?$select=id,displayName"

OpenGraph = Callable[[AppIdentity, CallCounter], GraphClient]


def open_graph(identity: AppIdentity, counter: CallCounter) -> GraphClient:
    """Open Graph with the settings of this installation."""
    return GraphClient(identity, counter=counter)


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

    def sub_services(self, kind: EntityKind) -> tuple[SubService, ...]:
        return (SubService.MAIL,)

    def changes(
        self, entity: EntityRef, sub_service: SubService, cursor: Cursor | None
    ) -> AsyncIterator[ChangePage]:
        return MailRound(self.graph, entity.remote_id, cursor).pages()

    def fetch(
        self, entity: EntityRef, sub_service: SubService, remote_ids: Sequence[str]
    ) -> AsyncIterator[Fetched | FetchProblem]:
        return fetch_mail(self.graph, entity.remote_id, remote_ids)


class MicrosoftWriter(Opened):
    """Write side (`base.Writer`)."""

    async def folders(self, entity: EntityRef) -> list[Upsert]:
        return await list_folders(self.graph, entity.remote_id, pool=self.graph.pool(entity.remote_id))

    async def ensure_folder(self, entity: EntityRef, parent_id: str | None, name: str) -> str:
        pool = self.graph.pool(entity.remote_id)
        return await ensure_folder(self.graph, entity.remote_id, parent_id, name, pool=pool)

    async def find_restored(
        self, entity: EntityRef, folder_id: str, restore_keys: Sequence[str]
    ) -> dict[str, str]:
        return await MailWriter(self.graph, entity.remote_id).find_restored(folder_id, restore_keys)

    async def find_existing(
        self, entity: EntityRef, folder_id: str, items: Sequence[tuple[str, bytes]]
    ) -> dict[str, str]:
        return await MailWriter(self.graph, entity.remote_id).find_existing(folder_id, items)

    async def write(self, entity: EntityRef, item: WriteItem) -> str:
        return await MailWriter(self.graph, entity.remote_id).write(
            item.folder_id,
            restore_key=item.restore_key,
            content=item.content,
            props=item.props,
            subject=item.name,
        )

    async def read_back(self, entity: EntityRef, remote_ids: Sequence[str]) -> dict[str, Written]:
        return await MailWriter(self.graph, entity.remote_id).read_back(remote_ids)

    async def remove(self, entity: EntityRef, remote_id: str) -> None:
        await MailWriter(self.graph, entity.remote_id).remove(remote_id)
