"""How lines reach a SIEM. Each call returns only when the other end has them, as far as its protocol tells.

The address is looked up and judged at each connection (core/public_web.py), and that very address is
connected to: no answer leads us anywhere else, redirects are not followed, and of an answer only its number is
told to anybody.
"""

import hashlib
import hmac
import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.errors import EverkeepError, InvalidRequest, Unavailable
from apps.core.public_web import cut_after, networks, outward_address

from ..chain import moment
from ..models import SecurityEvent, StreamKind

SECONDS: Final = 10.0  # for one answer of the network
ALL_SECONDS: Final = 30.0  # for a whole batch: who drips his answer must not keep a worker
DATAGRAM: Final = 8_000  # what every syslog server takes of one datagram is less, what most take is more
_PRIORITY: Final = 10 * 8 + 5  # facility authpriv, severity notice


def place_of(kind: str, address: str) -> tuple[str, int]:
    """Return host and port of what somebody typed. Raises InvalidRequest when it is no such address."""
    wrong = InvalidRequest("This is not an address that audits can be sent to.", do="See the examples.")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise wrong
    try:
        if kind == StreamKind.WEBHOOK:
            parts = urlsplit(address)
            if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
                raise wrong
            return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        parts = urlsplit(f"//{address}")
        if not parts.hostname or parts.path or parts.query or parts.username:
            raise wrong
        return parts.hostname, parts.port or (6514 if kind == StreamKind.SYSLOG_TLS else 514)
    except ValueError as error:
        raise wrong from error


def check_place(kind: str, address: str) -> None:
    """Raise InvalidRequest or Unavailable when nothing may, or can, be sent there."""
    host, port = place_of(kind, address)
    _looked_up(kind, address, host, port)


def send(kind: str, address: str, secret: bytes, events: Sequence[SecurityEvent], lines: Sequence[str]) -> None:
    """Hand a batch over. Raises EverkeepError; then all of it is sent again later."""
    try:
        if kind == StreamKind.WEBHOOK:
            _post(address, secret, events, lines)
        else:
            _syslog(kind, address, events, lines)
    except EverkeepError:
        raise
    except ssl.SSLError as error:
        raise Unavailable("The other end's certificate is not accepted.", do="Check it.") from error
    except (OSError, http.client.HTTPException) as error:
        what = "did not answer in time" if isinstance(error, TimeoutError) else "could not be reached"
        raise Unavailable(f"The other end {what}.", do="Check that it listens there.") from error


def signature(secret: bytes, at: int, body: bytes) -> str:
    """Return what the header says: who knows the secret can tell that time and body are ours."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def tls() -> ssl.SSLContext:
    """The usual judgement of certificates, with the authorities of this machine."""
    return ssl.create_default_context()


def _post(address: str, secret: bytes, events: Sequence[SecurityEvent], lines: Sequence[str]) -> None:
    parts = urlsplit(address)
    host, port = place_of(StreamKind.WEBHOOK, address)
    body = "".join(f"{line}\n" for line in lines).encode()
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    with _connected(StreamKind.WEBHOOK, address, host, port) as wire, closing(connection):
        connection.sock = wire  # so it never looks the name up by itself
        connection.request(
            "POST",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            body,
            {
                "Host": parts.netloc,
                "Content-Type": "application/x-ndjson",
                "User-Agent": "Everkeep",
                "X-Everkeep-Entries": f"{events[0].sequence}-{events[-1].sequence}",
                "X-Everkeep-Signature": signature(secret, int(time.time()), body),
            },
        )
        answer = connection.getresponse()
        if not 200 <= answer.status < 300:
            raise Unavailable(f"The webhook answered {answer.status}.", do="Check what listens there.")


def _syslog(kind: str, address: str, events: Sequence[SecurityEvent], lines: Sequence[str]) -> None:
    host, port = place_of(kind, address)
    messages = [_message(event, line) for event, line in zip(events, lines, strict=True)]
    if kind == StreamKind.SYSLOG_UDP:
        family, place = _looked_up(kind, address, host, port)
        with socket.socket(family, socket.SOCK_DGRAM) as wire:
            wire.connect(place)
            for message in messages:
                wire.send(message[:DATAGRAM])
        return
    with _connected(kind, address, host, port) as wire:
        wire.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
        _wait_until_read(wire)


def _wait_until_read(wire: socket.socket) -> None:
    """Syslog confirms nothing. So we end our side, and wait for the other end to end its own: it has read all.

    One that keeps its side open is believed after a moment; one that breaks the connection is not.
    """
    if isinstance(wire, ssl.SSLSocket):
        wire.settimeout(0.5)  # TLS has no half end: what came wrong until here is told by now
    else:
        wire.shutdown(socket.SHUT_WR)
        wire.settimeout(2.0)
    try:
        while wire.recv(4096):
            pass
    except TimeoutError:
        return


def _message(event: SecurityEvent, line: str) -> bytes:
    """RFC 5424; the id of the message is the code, the id of the process the number of the entry."""
    head = f"<{_PRIORITY}>1 {moment(event.at)} everkeep everkeep {event.sequence} {event.code[:32]} -"
    return f"{head} {line}".encode()


@contextmanager
def _connected(kind: str, address: str, host: str, port: int) -> Iterator[socket.socket]:
    _, place = _looked_up(kind, address, host, port)
    with closing(socket.create_connection(place, SECONDS)) as plain, cut_after(plain, ALL_SECONDS):
        if _is_encrypted(kind, address):
            with closing(tls().wrap_socket(plain, server_hostname=host)) as wire:
                yield wire
        else:
            yield plain


def _looked_up(kind: str, address: str, host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    return outward_address(
        host,
        port,
        networks(settings.STREAM_PRIVATE_NETWORKS),
        encrypted=_is_encrypted(kind, address),
        datagrams=kind == StreamKind.SYSLOG_UDP,
    )


def _is_encrypted(kind: str, address: str) -> bool:
    return kind == StreamKind.SYSLOG_TLS or (kind == StreamKind.WEBHOOK and address.startswith("https:"))
