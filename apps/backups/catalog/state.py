"""What is known of one node while a draft is written. Pure: decides, touches no database."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from apps.connectors.base import Removal

from ..models.catalog import hash_of
from .draft import Put


class Version(NamedTuple):
    """One row of node_version. `id` is None while it is not written."""

    id: int | None
    remote_id: str
    parent_id: str | None
    is_folder: bool
    well_known: str
    name: str
    author: str
    recipients: str
    time: datetime | None
    size: int
    has_attachments: bool
    etag: str
    content: bytes
    props: bytes
    first: int
    gone: int | None
    run_id: int

    def says_the_same(self, other: "Version") -> bool:
        """Whether a person or a restore could tell no difference between the two."""
        return self._replace(id=None, first=0, gone=None, run_id=0) == other._replace(
            id=None, first=0, gone=None, run_id=0
        )


@dataclass(slots=True)
class NodeState:
    """`old` is the version of the last snapshot; `now` what the draft says so far (None: not there).

    `written` are the invisible rows that stand in the table for this draft, of this run and of dead ones.
    """

    old: Version | None = None
    now: Version | None = None
    written: list[int] = field(default_factory=list)

    def put(self, version: Version) -> None:
        if self.old is not None and self.old.says_the_same(version):
            self.now = self.old
        elif self.now is None or not self.now.says_the_same(version):
            self.now = version

    def keep(self, parent_id: str | None, first: int, run_id: int) -> None:
        base = self.now or self.old
        if base is not None:
            self.put(base._replace(id=None, parent_id=parent_id, first=first, gone=None, run_id=run_id))

    def drop(self, removal: Removal) -> None:
        if self.now is not None and removal.parent_id in (None, self.now.parent_id):
            self.now = None


@dataclass(slots=True)
class Writes:
    """What must happen in the table so that it says what the states say."""

    delete: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    revive: list[int] = field(default_factory=list)
    insert: list[Version] = field(default_factory=list)

    def collect(self, state: NodeState, number: int) -> None:
        old, now = state.old, state.now
        if old is not None and old.id is not None:
            if now is old and old.gone == number:
                self.revive.append(old.id)
            elif now is not old and old.gone is None:
                self.end.append(old.id)
        kept = now.id if now is not None else None
        self.delete += [row for row in state.written if row != kept]
        if now is not None and now.id is None:
            self.insert.append(now)


def version_of(put: Put, number: int, run_id: int) -> Version:
    """Return the row that this entry asks for."""
    said = put.upsert
    return Version(
        id=None,
        remote_id=said.remote_id,
        parent_id=said.parent_id,
        is_folder=said.is_folder,
        well_known=said.well_known,
        name=said.name,
        author=said.author,
        recipients=said.recipients,
        time=said.time,
        size=put.size,
        has_attachments=said.has_attachments,
        etag=said.etag,
        content=put.content,
        props=said.props,
        first=number,
        gone=None,
        run_id=run_id,
    )


def hash_or_none(remote_id: str | None) -> int | None:
    return None if remote_id is None else hash_of(remote_id)
