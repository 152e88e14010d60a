"""What every kind of destination can do."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from apps.core.errors import NotFound

from ...models import Destination
from .s3 import S3Destination


class Sender(Protocol):
    """Raises `apps.core.errors` only."""

    def test(self) -> None:
        """Try whether files can be written there, while a person waits."""
        ...

    def send(self, key: str, path: Path, alive: Callable[[], None]) -> None:
        """Put a file under `key` for good; one that a killed worker began is gone on with."""
        ...


_KINDS: dict[str, Callable[[Destination], Sender]] = {"s3": S3Destination}


def sender_of(destination: Destination) -> Sender:
    """Open a destination. Raises NotFound for a kind that this release does not know."""
    if destination.kind not in _KINDS:
        raise NotFound(f"{destination.name} is of a kind that is not known.", do="Remove it and add it again.")
    return _KINDS[destination.kind](destination)
