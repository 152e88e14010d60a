"""The two pages about security are made of panels, each registered by who owns what it sets.

`me`: what a person sets for themselves (`my_security`). `everyone`: what holds for the whole account
(`security`), for who may see the account's settings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from apps.accounts.http import MemberRequest

Page = Literal["me", "everyone"]


@dataclass(frozen=True)
class Panel:
    """One card: `template` gets what `context` returns as `card`; its forms post to addresses of their own.

    `outside`: of use also to who is in no account (`access.person_required`), as are all addresses it posts to.
    """

    page: Page
    order: int
    template: str
    context: Callable[[MemberRequest], dict[str, Any]]
    outside: bool = False


_panels: list[Panel] = []


def register_panel(panel: Panel) -> None:
    """Put a card on its page. Called in `AppConfig.ready()`."""
    _panels.append(panel)


def panels_of(page: Page) -> list[Panel]:
    """The cards of a page in their order."""
    return sorted((panel for panel in _panels if panel.page == page), key=lambda panel: panel.order)
