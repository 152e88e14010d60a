"""Who is told that a connection is lost. Filled by upper apps in `AppConfig.ready()`."""

from collections.abc import Callable

from .models import Connection

_lost: dict[str, Callable[[Connection], None]] = {}


def register_lost(name: str, tell: Callable[[Connection], None]) -> None:
    """Call `tell` in the transaction that notes the loss; a second call of the same name replaces the first."""
    _lost[name] = tell


def tell_lost(connection: Connection) -> None:
    """Tell everybody."""
    for tell in _lost.values():
        tell(connection)
