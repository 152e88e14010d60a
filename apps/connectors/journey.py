"""The way to Microsoft and back: what was wanted is kept in the person's session, under a state used once."""

import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.errors import InvalidRequest

_KEY: Final = "connect_journeys"
_SALT: Final = "connectors.journey"
MOST_OPEN: Final = 5
LASTS_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Journey:
    """Where the person goes afterwards, and what was settled on the way. All text: it lives in a session."""

    after: str = ""
    connection: str = ""
    write: bool = False
    tenant: str = ""
    nonce: str = ""
    verifier: str = ""

    @property
    def connection_id(self) -> UUID | None:
        return UUID(self.connection) if self.connection else None


def begin(session: SessionBase, journey: Journey) -> str:
    """Keep the journey and return its state: signed, good for an hour, once, and in this session only."""
    number = secrets.token_urlsafe(24)
    open_ones = dict(list(session.get(_KEY, {}).items())[1 - MOST_OPEN :])
    session[_KEY] = open_ones | {number: asdict(journey)}
    return signing.TimestampSigner(salt=_SALT).sign(number)


def resume(session: SessionBase, state: str) -> Journey:
    """Take the journey of a state out of the session. Raises InvalidRequest for any other state."""
    try:
        number = signing.TimestampSigner(salt=_SALT).unsign(state, max_age=LASTS_SECONDS)
    except signing.BadSignature as error:
        raise _stranger() from error
    open_ones: dict[str, Any] = dict(session.get(_KEY, {}))
    kept = open_ones.pop(number, None)
    session[_KEY] = open_ones
    if kept is None:
        raise _stranger()
    return Journey(**kept)


def local_path(address: str) -> str:
    """Return an address if it is a path of this portal, else ""."""
    if not address.startswith("/") or not url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return ""
    return address


def destination(after: str, connection_id: UUID) -> str:
    """Where to go with a connection that works: the path that was asked for, told which one it is."""
    path = local_path(after)
    if not path:
        return reverse("connection", args=[connection_id])
    parts = urlsplit(path)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "connection"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("connection", str(connection_id))])))


def _stranger() -> InvalidRequest:
    return InvalidRequest(
        "This answer of Microsoft belongs to no attempt of yours, or came too late.",
        do="Start again with Authenticate.",
    )
