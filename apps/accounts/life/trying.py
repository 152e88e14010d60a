"""One account's trouble must not stop the care for the others."""

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger("everkeep.accounts")


def tried(what: str, act: Callable[[], T], otherwise: T) -> T:
    """Do `act`; an error is logged with `what`, and the next hour tries again."""
    try:
        return act()
    except Exception:
        log.exception("%s broke off", what)
        return otherwise
