"""Where else the page that is missing here may be found: upper apps know, the error page shows it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

Finder = Callable[[HttpRequest], Any]
_finders: list[Finder] = []


def register_elsewhere(find: Finder) -> None:
    """Ask `find` for the other account in which the object of an address is; None for none. In `ready()`."""
    _finders[:] = [find]


def elsewhere(request: HttpRequest) -> Any:
    """The account to offer on the page "There is nothing here", or None."""
    return _finders[0](request) if _finders else None
