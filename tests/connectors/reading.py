"""Reading a mailbox of the sandbox as backups would, and keeping what is known of it between rounds."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from apps.connectors.base import (
    Cursor,
    EntityRef,
    Fetched,
    FetchProblem,
    FolderCount,
    FolderFailed,
    FolderListed,
    FoldersListed,
    Removal,
    Upsert,
)
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftConnector
from apps.sandbox.testing import SandboxCloud


@dataclass
class Reader:
    """Holds folders and mails (items of another kind, when told so) as a catalog would.

    `read` brings it up to date by one round of changes.
    """

    identity: AppIdentity
    mailbox: str
    kind: SubService = SubService.MAIL
    cursor: Cursor | None = None
    folders: dict[str, Upsert] = field(default_factory=dict)
    mails: dict[str, Upsert] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    failed: list[FolderFailed] = field(default_factory=list)
    listed: list[FolderListed] = field(default_factory=list)
    named: list[Upsert] = field(default_factory=list)
    calls: int = 0

    @property
    def entity(self) -> EntityRef:
        return EntityRef(self.mailbox, EntityKind.USER_MAILBOX, self.mailbox)

    async def read(self) -> "Reader":
        """Read one round and apply it with the rules of `connectors.base`."""
        self.failed, self.listed, self.named = [], [], []
        seen, left, whole_tree = set[str](), set[str](), False
        async with MicrosoftConnector(self.identity) as connector:
            async for page in connector.changes(self.entity, self.kind, self.cursor):
                for change in page.changes:
                    match change:
                        case Upsert():
                            seen.add(change.remote_id)
                            left.discard(change.remote_id)
                            self.named.append(change)
                            (self.folders if change.is_folder else self.mails)[change.remote_id] = change
                        case Removal():
                            self._remove(change, left)
                        case FolderListed():
                            self.listed.append(change)
                        case FoldersListed():
                            whole_tree = True
                        case FolderCount():
                            self.counts[change.folder_id] = change.items
                        case FolderFailed():
                            self.failed.append(change)
                if page.cursor is not None:
                    self.cursor = page.cursor
            self.calls = connector.counter.calls
        self._settle(seen, left, whole_tree)
        return self

    def _remove(self, removal: Removal, left: set[str]) -> None:
        if removal.remote_id in self.folders:
            left.add(removal.remote_id)
        mail = self.mails.get(removal.remote_id)
        if mail is not None and removal.parent_id in (None, mail.parent_id):
            del self.mails[removal.remote_id]

    def _settle(self, seen: set[str], left: set[str], whole_tree: bool) -> None:
        if whole_tree:
            left |= set(self.folders) - seen
        full = {each.folder_id for each in self.listed}
        for remote_id, mail in list(self.mails.items()):
            if mail.parent_id in left or (mail.parent_id in full and remote_id not in seen):
                del self.mails[remote_id]
        for folder_id in left:
            self.folders.pop(folder_id, None)

    async def fetch(self, *remote_ids: str) -> dict[str, Fetched | FetchProblem]:
        """Fetch these mails, or all; every id must be answered exactly once."""
        wanted = list(remote_ids) or list(self.mails)
        async with MicrosoftConnector(self.identity) as connector:
            answers = [each async for each in connector.fetch(self.entity, self.kind, wanted)]
        assert sorted(each.remote_id for each in answers) == sorted(wanted)
        return {each.remote_id: each for each in answers}

    def folder(self, name: str) -> Upsert:
        (found,) = (folder for folder in self.folders.values() if folder.name == name)
        return found

    def subjects(self, folder: str) -> list[str]:
        folder_id = self.folder(folder).remote_id
        return sorted(mail.name for mail in self.mails.values() if mail.parent_id == folder_id)

    def check(self, cloud: SandboxCloud) -> dict[str, dict[str, Any]]:
        """Compare with what the mailbox really holds: the same mails in the same folders."""
        truth = {
            mail["id"]: mail for mail in cloud.export(self.mailbox)["messages"] if mail["folder"] != "Deletions"
        }
        assert {key: self.path(mail.parent_id) for key, mail in self.mails.items()} == {
            key: mail["folder"] for key, mail in truth.items()
        }
        return truth

    def path(self, folder_id: str | None) -> str:
        """Names from the root's child down, as the sandbox writes them."""
        names: list[str] = []
        while folder_id is not None:
            folder = self.folders[folder_id]
            names.insert(0, folder.name)
            folder_id = folder.parent_id
        return "/".join(names[1:])


def act(cloud: SandboxCloud, method: str, path: str, body: Any = None) -> Any:
    """Do something in a mailbox as a person's own program would, straight at Graph."""
    headers = {"Authorization": f"Bearer {cloud.token()}", "Prefer": 'IdType="ImmutableId"'}
    url = f"{cloud.graph_url}/v1.0{path}"
    answer = httpx.request(
        method, url, headers=headers, json=body, verify=False
    )  # plain http: loads no certificates
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None
