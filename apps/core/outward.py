"""Connecting to an address that a customer typed: looked up once, judged, and only then connected to."""

import socket
from collections.abc import Sequence

from .errors import InvalidRequest, Unavailable
from .public_web import Network, allowed


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
