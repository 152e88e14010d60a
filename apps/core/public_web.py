"""Addresses that people type must not reach what only we can reach: public ones only, judged by number.

A name is looked up once and the connection goes to the address that was judged, so a name that points
elsewhere a moment later changes nothing. What answers there may be anything: it is cut off by size and time.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from .errors import InvalidRequest, Unavailable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SECONDS: Final = 10.0
_PIECE: Final = 16 * 1024
_V6_INTERNET: Final = ipaddress.IPv6Network("2000::/3")  # what is given out; mappings lie outside
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address for a gateway, in its last four bytes
# Public by their numbers, yet answered nearby: metadata of Azure's and Oracle's machines, gateways of 6to4.
_NEARBY: Final = ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2002::/16")


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read networks like `10.1.0.0/16` or single addresses. Raises ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def allowed(address: str, private: Sequence[Network]) -> bool:
    """Tell whether a customer may have a connection there: a public address, or one of `private`."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = ipaddress.IPv4Address(found.packed[-4:]) if found in _NAT64 else found.ipv4_mapped or found
    if _is_in(found, private):
        return True
    if (found.version == 6 and found not in _V6_INTERNET) or _is_in(found, networks(_NEARBY)):
        return False
    return found.is_global and not found.is_multicast


def is_private_literal(host: str, private: Sequence[Network]) -> bool:
    """Whether `host` is written as a number and lies in one of the operator's own networks."""
    try:
        return _is_in(ipaddress.ip_address(host), private)
    except ValueError:
        return False


@contextmanager
def cut_after(wire: socket.socket, seconds: float) -> Iterator[None]:
    """Break the connection if it is still in use by then: who drips an answer must not keep us."""
    other_hold = wire.dup()  # a wrapper for TLS takes the first one away
    timer = threading.Timer(seconds, _cut, (other_hold,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        other_hold.close()


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)


def fetch(url: str, *, most_bytes: int, private: Sequence[Network] = ()) -> bytes:
    """GET a small public document over https; no redirect is followed.

    Plain http is for numbers inside `private` only. Raises InvalidRequest when the address may not be asked,
    Unavailable when nothing useful answers there.
    """
    host, port, plain, path = _parts(url, private)
    deadline = time.monotonic() + _SECONDS
    with closing(_connected(host, port, private)) as wire, cut_after(wire, _SECONDS):
        try:
            sock = wire if plain else ssl.create_default_context().wrap_socket(wire, server_hostname=host)
        except OSError as error:
            raise Unavailable(f"Nothing answers safely at {host}:{port}.", do="Check the address.") from error
        with closing(http.client.HTTPConnection(host, port, timeout=_SECONDS / 2)) as connection:
            connection.sock = sock  # so it never looks the name up by itself
            return _got(connection, path, urlsplit(url).netloc, most_bytes, deadline)


def _got(
    connection: http.client.HTTPConnection, path: str, place: str, most_bytes: int, deadline: float
) -> bytes:
    too_much = Unavailable("The answer is too large or too slow.", do="Check the address.")
    try:
        connection.request("GET", path, headers={"Host": place, "User-Agent": "Everkeep"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Unavailable(f"The address answers with status {answer.status}.", do="Check the address.")
        found = bytearray()
        while piece := answer.read1(_PIECE):
            found += piece
            if len(found) > most_bytes or time.monotonic() > deadline:
                raise too_much
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable("Nothing that we understand answers there.", do="Check the address.") from error
    if time.monotonic() > deadline:
        raise too_much  # cut off: what came is not all of it
    return bytes(found)


def _parts(url: str, private: Sequence[Network]) -> tuple[str, int, bool, str]:
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", parts.scheme == "http"
        port = parts.port or (80 if plain else 443)
    except ValueError as error:
        raise InvalidRequest("This is not an address.", do="Copy it once more.") from error
    is_https = parts.scheme == "https" and not parts.username
    if not host or not (is_https or (plain and is_private_literal(host, private))):
        raise InvalidRequest("The address must begin with https://.", do="Copy it once more.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port, plain, path


def outward_address(
    host: str, port: int, private: Sequence[Network], *, encrypted: bool, datagrams: bool = False
) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Look a name up once and return the one address to connect to, so that nobody is led elsewhere later.

    Raises InvalidRequest for an address that may not be reached, or not without encryption; Unavailable for
    a name that is not known.
    """
    kind = socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"The name {host} is not known.", do="Check the address.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not all(allowed(address, private) for address in addresses):
        raise InvalidRequest(
            f"{host} is not an address of the public internet.", do="Use one that can be reached from there."
        )
    if not encrypted and any(allowed(address, ()) for address in addresses):
        raise InvalidRequest(f"{host} would be sent to without encryption.", do="Use HTTPS or TLS.")
    return found[0][0], (addresses[0], port)


def _connected(host: str, port: int, private: Sequence[Network]) -> socket.socket:
    # Plain http comes here only for numbers inside `private`, which `_parts` has seen to.
    _, address = outward_address(host, port, private, encrypted=True)
    try:
        return socket.create_connection(address, _SECONDS / 2)
    except OSError as error:
        raise Unavailable(f"Nothing answers safely at {host}:{port}.", do="Check the address.") from error


def _is_in(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
