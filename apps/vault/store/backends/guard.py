"""Where a customer's store may not be: an address that he types must not reach what only we can reach.

Names are looked up before the first request, for a clear answer; and each connection is judged once more by
the address that it really has, before a byte is sent, since a name may point elsewhere a moment later. What
answers there may be anything: an answer larger than any of a store's is cut off, before memory is.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from apps.core.public_web import Network, allowed

from ..errors import StoreRefused, StoreUnavailable
from .base import ObjectStore

CONNECT_SECONDS: Final = 5.0
OBJECT_BYTES = 257 * 1024 * 1024  # a bit more than readers take of one object
ANSWER_BYTES = 32 * 1024 * 1024  # of all other answers: lists are the largest
_PIECE: Final = 64 * 1024
_REFUSED: Final = "is not an address of the public internet"


def check_endpoint(endpoint: str, private: Sequence[Network], *, knock: bool = False) -> None:
    """Look an endpoint's name up, and `knock`. Raises StoreRefused (not allowed), StoreUnavailable."""
    parts = urlsplit(endpoint)
    try:
        host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError as error:
        raise StoreRefused("The endpoint's port is not one.", do="Check the endpoint.") from error
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StoreUnavailable(f"The name {host} is not known.", do="Check the endpoint.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not all(allowed(address, private) for address in addresses):
        raise StoreRefused(f"{host} {_REFUSED}.", do="Use a store that can be reached from the internet.")
    if parts.scheme != "https" and any(allowed(address, ()) for address in addresses):
        raise StoreRefused(f"{host} is asked without encryption on the way.", do="Use https://.")
    if not knock:
        return
    try:
        socket.create_connection((addresses[0], port), CONNECT_SECONDS).close()
    except OSError as error:
        raise StoreUnavailable(f"Nothing answers at {host}:{port}.", do="Check the endpoint.") from error


def guard(store: ObjectStore, private: Sequence[Network]) -> None:
    """Let an S3 store's connections reach allowed addresses only, and its answers be no larger than a store's.

    Other kinds take no endpoint from people.
    """
    client: Any = getattr(store, "_client", None)
    if not hasattr(client, "_endpoint"):
        return
    session = client._endpoint.http_session
    if getattr(session, "everkeep_guard", None) == tuple(private):
        return  # clearing it once more would cut the connections of other threads
    from botocore import awsrequest as aws  # noqa: PLC0415 - a store in a folder does without botocore

    pools = {"http": _pool(aws.AWSHTTPConnectionPool, aws.AWSHTTPConnection, private)}
    pools["https"] = _pool(aws.AWSHTTPSConnectionPool, aws.AWSHTTPSConnection, private)
    session._pool_classes_by_scheme = pools
    session._manager.clear()
    session._manager.pool_classes_by_scheme = pools
    if not hasattr(session, "everkeep_guard"):
        session.send = _bounded(session.send)
    session.everkeep_guard = tuple(private)


def _pool(pool: type[Any], connection: type[Any], private: Sequence[Network]) -> type[Any]:
    class Guarded(connection):  # type: ignore[misc]
        def _new_conn(self) -> Any:
            made = super()._new_conn()
            if not allowed(str(made.getpeername()[0]), private):
                made.close()
                raise StoreRefused(f"{self.host} {_REFUSED}.", do="Nothing was sent there.")
            return made

    return type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": Guarded})


def _bounded(send: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the sending of botocore's session, which reads whole what is no object, however much comes."""

    def sent(request: Any) -> Any:
        whole, request.stream_output = not request.stream_output, True
        answer = send(request)
        answer.raw = _Bounded(answer.raw, ANSWER_BYTES if whole else OBJECT_BYTES)
        try:
            _ = answer.content if whole else b""
        except HTTPError as error:
            from botocore.exceptions import HTTPClientError  # noqa: PLC0415

            raise HTTPClientError(error=error) from error
        return answer

    return sent


class _Bounded:
    """The body of an answer that ends with an error beyond so many bytes. Raises StoreRefused."""

    def __init__(self, raw: Any, most: int) -> None:
        self._raw, self._left = raw, most

    def read(self, amount: int | None = None) -> bytes:
        data: bytes = self._raw.read(self._left + 1 if amount is None else amount)
        self._left -= len(data)
        if self._left < 0:
            self._raw.close()
            raise StoreRefused("The server answers with more than a store has.", do="Check the endpoint.")
        return data

    def stream(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)
