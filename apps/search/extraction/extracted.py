"""What is read out of one item."""

from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Why some text could not be had. Stored: values are never renamed."""

    TOO_LARGE = "too_large"  # larger than is looked into
    TOO_LONG = "too_long"  # took longer than a file may
    CRASHED = "crashed"  # its reader died, of its memory limit as a rule
    UNREADABLE = "unreadable"  # damaged, locked by a password, or not what it says it is
    ITEM = "item"  # the item itself could not be parsed
    DEADLY = "deadly"  # passes of the indexer died of the item
    VAULT = "vault"  # the vault could not give it out


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: its name, what it is said to be, and its bytes."""

    name: str
    kind: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Extracted:
    """The words of an item, and the files that still have to be read."""

    senders: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    place: str = ""
    text: str = ""
    names: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
