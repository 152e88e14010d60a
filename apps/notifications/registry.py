"""What an account can write about, and the cards of Settings → Notifications. Filled in `AppConfig.ready()`.

register_kind(Kind("recovery", "Recovery", "Restores and exports that ended."))
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from apps.accounts.http import MemberRequest
from apps.core.actor import current_actor
from apps.core.permissions import Permission, allowed


@dataclass(frozen=True, slots=True)
class Kind:
    """A tick of every recipient: `label` heads its column, `words` say what is told.

    `sight_needed`: a member gets it only with the right to view backups. `stoppable`: whoever gets such a mail
    may end it with one click, without an account. `offered`: recipients are chosen for it on the page.
    `begins`: ticked at first for a new recipient. `listed_for`: whose list of deliveries shows them, beside the
    right to manage notifications; without it, where sight is needed, the right to view backups. `goes_to`:
    asked when a letter is sent whether the kind still goes to an address, where its app and no list of
    recipients says so. `page`: the name of the address that lists what it tells of: a letter of several opens
    it.
    """

    key: str
    label: str
    words: str
    sight_needed: bool = True
    stoppable: bool = True
    offered: bool = True
    begins: bool = True
    order: int = 50
    listed_for: Permission | None = None
    goes_to: Callable[[str], bool] | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class SettingsPanel:
    """One card above the recipients: `template` gets what `context` returns as `card`; it posts elsewhere."""

    order: int
    template: str
    context: Callable[[MemberRequest], dict[str, Any]]


_kinds: Final[dict[str, Kind]] = {}
_panels: Final[list[SettingsPanel]] = []


def register_kind(kind: Kind) -> None:
    """Add a kind of letter; the last one of a key wins."""
    _kinds[kind.key] = kind


def kind_of(key: str) -> Kind:
    """The kind; one of an app that is not installed any more is shown by its key."""
    return _kinds.get(key) or Kind(key, key.replace("_", " ").capitalize(), "", offered=False)


def kinds() -> list[Kind]:
    """All kinds in their order."""
    return sorted(_kinds.values(), key=lambda kind: (kind.order, kind.key))


def hidden_kinds() -> list[str]:
    """The kinds whose letters are not listed to the actor in force."""
    return [kind.key for kind in _kinds.values() if (right := _right_to_list(kind)) and not allowed(right)]


def _right_to_list(kind: Kind) -> Permission | None:
    """As all sight, that of backups is narrowed for people alone, not for work that nobody does."""
    views = kind.sight_needed and current_actor().kind == "user"
    return kind.listed_for or (Permission.VIEW if views else None)


def offered_kinds() -> list[Kind]:
    """Those that recipients are chosen for."""
    return [kind for kind in kinds() if kind.offered]


def register_panel(panel: SettingsPanel) -> None:
    """Put a card on Settings → Notifications."""
    _panels.append(panel)


def panels() -> list[SettingsPanel]:
    """The cards in their order."""
    return sorted(_panels, key=lambda panel: panel.order)
