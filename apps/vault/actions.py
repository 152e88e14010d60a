"""What upper apps add to `manage.py vault`: registered in `AppConfig.ready()`."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `run` gets the parsed options and says lines; it raises EverkeepError when it cannot."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[dict[str, Any], Say], None]


_actions: dict[str, Action] = {}


def register_action(action: Action) -> None:
    """Offer an action; the last one of a name wins."""
    _actions[action.name] = action


def registered_actions() -> dict[str, Action]:
    return dict(sorted(_actions.items()))
