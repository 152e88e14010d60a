"""The sandbox cloud as one object: its state, its clock and its switches. Handlers get it with the request."""

from pathlib import Path
from typing import Any

from .behaviour.contract import ContractRecorder
from .behaviour.faults import Faults
from .behaviour.record import Record
from .behaviour.settings import Switches
from .behaviour.throttle import Throttle
from .identity.tokens import Tokens
from .state import directory
from .state.clock import Clock
from .state.database import Database
from .state.directory import User
from .state.mailboxes import Mailbox, archive_name, archive_of, mailbox_of


class Cloud:
    """One tenant. Not thread-safe: the server's event loop is its only user."""

    def __init__(self, database: Database) -> None:
        self.db = database
        self.clock = Clock(database)
        self.tokens = Tokens(database)
        self.switches = Switches()
        self.faults = Faults()
        self.throttle = Throttle()
        self.record = Record()
        self.uploads: dict[str, Any] = {}
        self.contract: ContractRecorder | None = None
        self._people: dict[str, tuple[User, Mailbox | None] | None] = {}
        self._version = database.data_version()

    @classmethod
    def open(cls, state: Path | None) -> "Cloud":
        """`state` is the folder that keeps the tenant; None keeps it in memory."""
        return cls(Database(None if state is None else state / "cloud.sqlite3"))

    def refresh(self) -> None:
        """Drop what is cached when the command line has changed the file meanwhile."""
        version = self.db.data_version()
        if version != self._version:
            self._version = version
            self.forget()

    def forget(self) -> None:
        self._people.clear()
        self.tokens.forget()

    def person(self, name: str) -> tuple[User, Mailbox | None] | None:
        """A user by id or principal name, with the mailbox (None when the account has none).

        By the name of an archive: its owner, with the archive.
        """
        key = name.lower()
        if key not in self._people and key.startswith("mbx:"):
            owner = next((u for u in directory.users(self.db) if archive_name(u.id).lower() == key), None)
            archive = archive_of(self.db, owner.id) if owner else None
            self._people[key] = (owner, archive) if owner and archive else None
        if key not in self._people:
            user = directory.find_user(self.db, key)
            if user is None:
                return None
            self._people[key] = (user, mailbox_of(self.db, user.id))
        return self._people[key]
