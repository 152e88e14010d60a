"""A scripted cloud and its connector, for tests of the run: says what Graph says, in Graph's odd orders."""

import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from apps.connectors.base import (
    CallCounter,
    Change,
    ChangePage,
    Cursor,
    EntityRef,
    Fetched,
    FetchProblem,
    FolderListed,
    FoldersListed,
    Removal,
    Upsert,
)
from apps.connectors.enums import EntityKind, SubService
from apps.core.errors import Gone

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Folder:
    parent: str | None
    name: str


@dataclass(frozen=True)
class Mail:
    folder: str
    name: str
    content: bytes
    props: bytes
    version: int
    time: datetime


@dataclass
class FakeCloud:
    """One mailbox. Changes are logged per folder; asked, it gives each folder's newest word."""

    seed: int = 0
    folders: dict[str, Folder] = field(default_factory=dict)
    mails: dict[str, Mail] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)  # (folder, mail) touched, oldest first
    folder_log: list[str] = field(default_factory=list)
    problems: dict[str, FetchProblem] = field(default_factory=dict)
    missing: dict[str, tuple[FetchProblem, ...]] = field(default_factory=dict)
    files: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    refuse_cursor: bool = False
    fetched: list[str] = field(default_factory=list)
    before_page: Callable[[int], None] = lambda page: None
    before_fetch: Callable[[Sequence[str]], None] = lambda ids: None
    page_size: int = 20
    beside: "dict[SubService, FakeCloud]" = field(default_factory=dict)  # other kinds
    _next: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def new_id(self, kind: str) -> str:
        self._next += 1
        return f"{kind}-{self._next:05d}-{'x' * 40}"

    def add_folder(self, name: str, parent: str | None = None, folder_id: str = "") -> str:
        folder_id = folder_id or self.new_id("folder")
        self.folders[folder_id] = Folder(parent, name)
        self.folder_log.append(folder_id)
        return folder_id

    def change_folder(self, folder_id: str, *, name: str | None = None, parent: Any = ...) -> None:
        was = self.folders[folder_id]
        self.folders[folder_id] = Folder(
            was.parent if parent is ... else parent, was.name if name is None else name
        )
        self.folder_log.append(folder_id)

    def delete_folder(self, folder_id: str) -> None:
        """Take a folder and all inside; only the folder itself is named, as Graph does."""
        for child in [key for key, value in self.folders.items() if value.parent == folder_id]:
            self.delete_folder(child)
        self.mails = {key: mail for key, mail in self.mails.items() if mail.folder != folder_id}
        del self.folders[folder_id]
        self.folder_log.append(folder_id)

    def add_mail(
        self, folder: str, name: str = "Hello", content: bytes | None = None, mail_id: str = ""
    ) -> str:
        mail_id = mail_id or self.new_id("mail")
        body = content if content is not None else f"Subject: {name}\r\n\r\n{mail_id}\r\n".encode()
        time = START + timedelta(minutes=len(self.log))
        self.mails[mail_id] = Mail(folder, name, body, b'{"isRead":false}', len(self.log) + 1, time)
        self.log.append((folder, mail_id))
        return mail_id

    def change_mail(self, mail_id: str, *, content: bytes | None = None, props: bytes | None = None) -> None:
        was = self.mails[mail_id]
        self.mails[mail_id] = Mail(
            was.folder,
            was.name,
            was.content if content is None else content,
            was.props if props is None else props,
            len(self.log) + 1,
            was.time,
        )
        self.log.append((was.folder, mail_id))

    def move_mail(self, mail_id: str, folder: str, *, new_version: bool = True) -> None:
        was = self.mails[mail_id]
        version = len(self.log) + 1 if new_version else was.version
        self.mails[mail_id] = Mail(folder, was.name, was.content, was.props, version, was.time)
        self.log += [(was.folder, mail_id), (folder, mail_id)]

    def delete_mail(self, mail_id: str) -> Mail:
        was = self.mails.pop(mail_id)
        self.log.append((was.folder, mail_id))
        return was

    def undelete_mail(self, mail_id: str, mail: Mail) -> None:
        self.mails[mail_id] = mail
        self.log.append((mail.folder, mail_id))

    # What the provider says.

    def changes_since(self, cursor: Cursor | None) -> list[Change]:
        if cursor is None or self.refuse_cursor:
            return self._everything()
        changes = [self._folder_word(each) for each in _once(self.folder_log[cursor["folders"] :])]
        touched = _once(self.log[cursor["mails"] :])
        folders = _once(folder for folder, _ in touched)
        self.random.shuffle(folders)
        for folder in folders:
            if folder not in self.folders:
                continue  # its items are not named: it was removed itself
            words = [self._word(folder, mail) for where, mail in touched if where == folder]
            changes += words + self.random.sample(words, min(2, len(words)))  # Graph repeats itself
        return changes

    def _everything(self) -> list[Change]:
        changes: list[Change] = [self._folder_word(each) for each in self.folders]
        changes.append(FoldersListed())
        for folder in self.folders:
            inside = [key for key, mail in self.mails.items() if mail.folder == folder]
            changes += [self._word(folder, key) for key in inside]
            changes.append(FolderListed(folder, len(inside)))
        return changes

    def _folder_word(self, folder_id: str) -> Change:
        if folder_id not in self.folders:
            return Removal(folder_id)
        folder = self.folders[folder_id]
        return Upsert(folder_id, folder.parent, True, folder.name, "", b"{}")

    def _word(self, folder: str, mail_id: str) -> Change:
        mail = self.mails.get(mail_id)
        if mail is None or mail.folder != folder:
            return Removal(mail_id, folder)
        return Upsert(
            mail_id,
            folder,
            False,
            mail.name,
            f"v{mail.version}",
            mail.props,
            "Ann <ann@example.org>",
            time=mail.time,
        )


class FakeConnector:
    """Reads a FakeCloud."""

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud, self.counter = cloud, CallCounter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def sub_services(self, kind: EntityKind) -> tuple[SubService, ...]:
        return (SubService.MAIL, *self.cloud.beside)

    async def changes(
        self, entity: EntityRef, sub_service: SubService, cursor: Cursor | None
    ) -> AsyncIterator[ChangePage]:
        cloud = self.cloud.beside.get(sub_service, self.cloud)
        changes = cloud.changes_since(json.loads(json.dumps(cursor)))
        following = {"folders": len(cloud.folder_log), "mails": len(cloud.log)}
        for page, start in enumerate(range(0, len(changes), cloud.page_size)):
            cloud.before_page(page)
            self.counter.calls += 1
            yield ChangePage(changes[start : start + cloud.page_size])
        cloud.before_page(-1)
        yield ChangePage([], cursor=following)

    async def fetch(
        self, entity: EntityRef, sub_service: SubService, remote_ids: Sequence[str]
    ) -> AsyncIterator[Fetched | FetchProblem]:
        cloud = self.cloud.beside.get(sub_service, self.cloud)
        cloud.before_fetch(remote_ids)
        for remote_id in remote_ids:
            self.counter.calls += 1
            if problem := cloud.problems.get(remote_id):
                yield problem
                continue
            mail = cloud.mails.get(remote_id)
            if mail is None:
                raise Gone("unexpected: the tests ask only for what is there", item=remote_id)
            cloud.fetched.append(remote_id)
            self.counter.bytes_received += len(mail.content)
            files, missing = cloud.files.get(remote_id, ()), cloud.missing.get(remote_id, ())
            yield Fetched(remote_id, mail.content, attachments=files, missing=missing)


def _once(values: Any) -> list[Any]:
    return list(dict.fromkeys(values))
