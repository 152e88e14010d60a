"""Telling whoever wants to know that somebody was refused: upper apps listen, pages and the API tell."""

import logging
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest

from .errors import PermissionMissing

logger = logging.getLogger("everkeep.request")
Listener = Callable[[HttpRequest, PermissionMissing], None]
_listeners: Final[list[Listener]] = []


def register_refusal_listener(listener: Listener) -> None:
    """Let `listener` know of every refusal. Called in `AppConfig.ready()`."""
    _listeners.append(listener)


def tell_refused(request: HttpRequest, error: PermissionMissing) -> None:
    """Tell all listeners, outside the transaction of what was refused; their trouble does not undo the no."""
    for listener in _listeners:
        try:
            listener(request, error)
        except Exception:
            logger.exception("a refusal could not be noted")
