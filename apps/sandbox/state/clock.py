"""Sandbox time: it stands where it was set, or runs from there, independent of the machine's clock."""

from datetime import UTC, datetime, timedelta

from .database import Database

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(FORMAT)


def parse(text: str) -> datetime:
    """Read an ISO 8601 time with or without fraction and zone (UTC when there is none)."""
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Clock:
    """`offset` seconds are kept in the database, so that every process of the sandbox sees the same time."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def now(self) -> datetime:
        frozen = self.database.get("clock.frozen")
        if frozen:
            return parse(frozen)
        offset = float(self.database.get("clock.offset") or 0)
        return datetime.now(UTC) + timedelta(seconds=offset)

    def stamp(self) -> str:
        return stamp(self.now())

    def set(self, moment: datetime, *, frozen: bool = False) -> None:
        offset = (moment - datetime.now(UTC)).total_seconds()
        self.database.set("clock.offset", repr(offset))
        self.database.set("clock.frozen", stamp(moment) if frozen else "")

    def advance(self, delta: timedelta) -> datetime:
        moment = self.now() + delta
        self.set(moment, frozen=bool(self.database.get("clock.frozen")))
        return moment
