"""How lines reach a SIEM. Each call returns only when the other end has them, as far as its protocol tells.

The address is looked up and judged at each connection (core/public_web.py), and that very address is
connected to. What webhooks have in common is in core/webhooks.py.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.errors import InvalidRequest, Unavailable
from apps.core.public_web import Network, cut_after, networks, outward_address
from apps.core.webhooks import SECONDS, Letter, check_address, host_of, post, tls, unreachable

from ..chain import moment
from ..models import SecurityEvent, StreamKind

ALL_SECONDS: Final = 30.0  # for a whole batch: who drips his answer must not keep a worker
DATAGRAM: Final = 8_000  # what every syslog server takes of one datagram is less, what most take is more
_PRIORITY: Final = 10 * 8 + 5  # facility authpriv, severity notice


def place_of(kind: str, address: str) -> tuple[str, int]:
    """Return host and port of what somebody typed. Raises InvalidRequest when it is no such address."""
    wrong = InvalidRequest("This is not an address that audits can be sent to.", do="See the examples.")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise wrong
    if kind == StreamKind.WEBHOOK:
        return host_of(address)
    try:
        parts = urlsplit(f"//{address}")
        if not parts.hostname or parts.path or parts.query or parts.username:
            raise wrong
        return parts.hostname, parts.port or (6514 if kind == StreamKind.SYSLOG_TLS else 514)
    except ValueError as error:
        raise wrong from error


def check_place(kind: str, address: str) -> None:
    """Raise InvalidRequest or Unavailable when nothing may, or can, be sent there."""
    if kind == StreamKind.WEBHOOK:
        check_address(address, _private())
        return
    host, port = place_of(kind, address)
    _looked_up(kind, host, port)


def send(kind: str, address: str, secret: bytes, events: Sequence[SecurityEvent], lines: Sequence[str]) -> None:
    """Hand a batch over. Raises EverkeepError; then all of it is sent again later."""
    try:
        if kind == StreamKind.WEBHOOK:
            _post(address, secret, events, lines)
        else:
            _syslog(kind, address, events, lines)
    except OSError as error:
        raise unreachable(error) from error


def _post(address: str, secret: bytes, events: Sequence[SecurityEvent], lines: Sequence[str]) -> None:
    headers = {
        "Content-Type": "application/x-ndjson",
        "X-Everkeep-Entries": f"{events[0].sequence}-{events[-1].sequence}",
    }
    body = "".join(f"{line}\n" for line in lines).encode()
    status = post(address, secret, Letter(body, headers, ALL_SECONDS), private=_private())
    if not 200 <= status < 300:
        raise Unavailable(f"The webhook answered {status}.", do="Check what listens there.")


def _syslog(kind: str, address: str, events: Sequence[SecurityEvent], lines: Sequence[str]) -> None:
    host, port = place_of(kind, address)
    messages = [_message(event, line) for event, line in zip(events, lines, strict=True)]
    if kind == StreamKind.SYSLOG_UDP:
        family, place = _looked_up(kind, host, port)
        with socket.socket(family, socket.SOCK_DGRAM) as wire:
            wire.connect(place)
            for message in messages:
                wire.send(message[:DATAGRAM])
        return
    with _connected(kind, host, port) as wire:
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
def _connected(kind: str, host: str, port: int) -> Iterator[socket.socket]:
    _, place = _looked_up(kind, host, port)
    with closing(socket.create_connection(place, SECONDS)) as plain, cut_after(plain, ALL_SECONDS):
        if kind == StreamKind.SYSLOG_TLS:
            with closing(tls().wrap_socket(plain, server_hostname=host)) as wire:
                yield wire
        else:
            yield plain


def _looked_up(kind: str, host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    encrypted, datagrams = kind == StreamKind.SYSLOG_TLS, kind == StreamKind.SYSLOG_UDP
    return outward_address(host, port, _private(), encrypted=encrypted, datagrams=datagrams)


def _private() -> tuple[Network, ...]:
    return networks(settings.STREAM_PRIVATE_NETWORKS)
