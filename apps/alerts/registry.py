"""Who finds alerts by what stands, and who wants to hear of alerts. Filled in `AppConfig.ready()`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.backups.models import BackupTask, Entity

    from .models import Alert


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a check found: what `services.alert_raise` needs."""

    kind: str
    key: str
    severity: str
    facts: dict[str, Any] = field(default_factory=dict)
    entity: "Entity | None" = None
    task: "BackupTask | None" = None
    service: str = ""
    sub_service: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check that is made of one account as a whole. All keys of what it finds begin with `key` and a colon.

    An open alert of these that is not found any more is over.
    """

    key: str
    label: str
    find: Callable[[], Iterable[Found]]


_checks: dict[str, Check] = {}
Listener = Callable[["Alert"], None]
_listeners: dict[str, Listener] = {}


def register_check(check: Check) -> None:
    """Add a check; a second one of the same key replaces the first."""
    _checks[check.key] = check


def checks() -> list[Check]:
    """All checks, by key."""
    return [_checks[key] for key in sorted(_checks)]


def register_listener(name: str, listener: Listener) -> None:
    """Call `listener(alert)` in the transaction that opens an alert, or that makes it more severe."""
    _listeners[name] = listener


def raised(alert: "Alert") -> None:
    """Tell everybody who wants to hear of it."""
    for listener in _listeners.values():
        listener(alert)
