"""Signed requests to addresses that customers typed: what all webhooks of ours have in common.

The address is looked up and judged at each request (`public_web`), and that very address is connected to: no
answer leads us anywhere else, redirects are not followed, and of an answer only its number is told to anybody.
"""

import hashlib
import hmac
import http.client
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from socket import create_connection, socket
from typing import Final
from urllib.parse import urlsplit

from .errors import EverkeepError, InvalidRequest, Unavailable
from .public_web import Network, cut_after, outward_address

SECONDS: Final = 10.0  # for one answer of the network
WRONG: Final = "This is not an address that we can send to."


def host_of(address: str) -> tuple[str, int]:
    """Return host and port of a webhook's address. Raises InvalidRequest when it is none."""
    wrong = InvalidRequest(WRONG, do="It begins with https:// and holds no password.")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise wrong
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise wrong
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


def check_address(address: str, private: Sequence[Network]) -> None:
    """Raise InvalidRequest or Unavailable when nothing may, or can, be sent there."""
    _place_of(address, private, SECONDS)


def signature(secret: bytes, at: int, body: bytes) -> str:
    """Return what the header says: who knows the secret can tell that time and body are ours."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def tls() -> ssl.SSLContext:
    """The usual judgement of certificates, with the authorities of this machine."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent; `seconds` is how long all of it may take, since who drips must not keep a worker."""

    body: bytes
    headers: Mapping[str, str]
    seconds: float


def post(address: str, secret: bytes, letter: Letter, *, private: Sequence[Network]) -> int:
    """Send a signed POST and return the number of the answer. Raises InvalidRequest, Unavailable."""
    try:
        return _posted(address, secret, letter, private)
    except EverkeepError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> Unavailable:
    """Say what a network's error means, without what the other end said."""
    if isinstance(error, ssl.SSLError):
        return Unavailable("The other end's certificate is not accepted.", do="Check it.")
    what = "did not answer in time" if isinstance(error, TimeoutError) else "could not be reached"
    return Unavailable(f"The other end {what}.", do="Check that it listens there.")


def _posted(address: str, secret: bytes, letter: Letter, private: Sequence[Network]) -> int:
    parts = urlsplit(address)
    host, port = host_of(address)
    connection = http.client.HTTPConnection(host, port, timeout=min(SECONDS, letter.seconds))
    with _connected(address, letter.seconds, private) as wire, closing(connection):
        connection.sock = wire  # so it never looks the name up by itself
        connection.request(
            "POST",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            letter.body,
            {
                "Host": parts.netloc,
                "User-Agent": "Everkeep",
                **letter.headers,
                "X-Everkeep-Signature": signature(secret, int(time.time()), letter.body),
            },
        )
        return connection.getresponse().status


@contextmanager
def _connected(address: str, seconds: float, private: Sequence[Network]) -> Iterator[socket]:
    """Connect; `seconds` are for all of it, from the look-up of the name to the end of the answer."""
    ends = time.monotonic() + seconds
    place = _place_of(address, private, seconds)
    left = max(0.1, ends - time.monotonic())
    with closing(create_connection(place, min(SECONDS, left))) as plain, cut_after(plain, left):
        if address.startswith("https:"):
            with closing(tls().wrap_socket(plain, server_hostname=host_of(address)[0])) as wire:
                yield wire
        else:
            yield plain


def _place_of(address: str, private: Sequence[Network], seconds: float) -> tuple[str, int]:
    """Look the name up and judge what it leads to. Raises InvalidRequest, Unavailable, TimeoutError.

    The system's look-up knows no limit of time, and whose name servers are asked decides how long it takes:
    it is left behind in a thread, which ends by itself.
    """
    host, port = host_of(address)
    found: Future[tuple[str, int]] = Future()

    def look() -> None:
        try:
            found.set_result(outward_address(host, port, private, encrypted=address.startswith("https:"))[1])
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=look, name="webhook-name", daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError as error:
        raise unreachable(error) from error
