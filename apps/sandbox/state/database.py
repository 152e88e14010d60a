"""One SQLite connection: settings for speed, transactions, the change counter and small named values."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .schema import SCHEMA, TABLES

PRAGMAS = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 4294967296",
    "PRAGMA busy_timeout = 20000",
)


class Database:
    """The sandbox's only door to its file; used from one thread."""

    def __init__(self, path: Path | None) -> None:
        """`path` None keeps everything in memory."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._depth = 0
        self.connection = sqlite3.connect(
            ":memory:" if path is None else path,
            isolation_level=None,
            cached_statements=512,
            check_same_thread=False,
        )
        for pragma in PRAGMAS:
            self.connection.execute(pragma)
        self.connection.executescript(SCHEMA)
        self.execute = self.connection.execute
        self.executemany = self.connection.executemany

    def one(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        return self.connection.execute(sql, tuple(parameters)).fetchone()

    def all(self, sql: str, parameters: Iterable[Any] = ()) -> list[Any]:
        return self.connection.execute(sql, tuple(parameters)).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; an inner transaction joins the outer one."""
        if self._depth:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        else:
            self.execute("COMMIT")
        finally:
            self._depth = 0

    def next_seq(self, count: int = 1) -> int:
        """Reserve `count` change numbers and return the first of them."""
        row = self.one("UPDATE counter SET value = value + ? WHERE id = 1 RETURNING value", (count,))
        return int(row[0]) - count + 1

    def last_seq(self) -> int:
        return int(self.one("SELECT value FROM counter WHERE id = 1")[0])

    def data_version(self) -> int:
        """Changes when another process (the command line) has written to the same file."""
        return int(self.one("PRAGMA data_version")[0])

    def get(self, key: str) -> str | None:
        row = self.one("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    def set(self, key: str, value: str) -> None:
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def clear(self) -> None:
        """Empty every table; the change counter and the signing keys stay, for the sake of old tokens."""
        with self.transaction():
            for table in TABLES:
                self.execute(f"DELETE FROM {table}")
            self.execute("DELETE FROM meta WHERE key NOT LIKE 'token.%'")

    def close(self) -> None:
        self.connection.close()
