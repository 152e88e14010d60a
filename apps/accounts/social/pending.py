"""An identity whose person has not opened an account yet: kept in the session until the form is sent."""

import time
from dataclasses import asdict
from typing import Final

from django.http import HttpRequest

from .identity import Identity

_KEY: Final = "pending_identity"
LASTS_SECONDS: Final = 1800


def keep(request: HttpRequest, identity: Identity, following: str) -> None:
    """Remember who came, and where they want to go afterwards."""
    request.session[_KEY] = {"identity": asdict(identity), "next": following, "at": time.time()}


def kept(request: HttpRequest) -> tuple[Identity, str] | None:
    """Who came and where to go on to; None when nobody came, or too long ago."""
    found = request.session.get(_KEY)
    if not found or time.time() - found["at"] > LASTS_SECONDS:
        return None
    return Identity(**found["identity"]), found["next"]


def forget(request: HttpRequest) -> None:
    """The account is open, or will not be."""
    request.session.pop(_KEY, None)
