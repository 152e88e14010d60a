"""A wire between a client and a server that breaks, or damages what passes, on command."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import free_port

_PIECE = 128 * 1024


class Wire:
    """Forwards TCP from its own port to another one on loopback. Counts the bytes that go to the server."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self.sent = 0
        self._cut_at: int | None = None
        self._damage: dict[str, int] = {}
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, count: int) -> None:
        """Break all connections, old and new, once so many more bytes have gone to the server."""
        self._cut_at = self.sent + count

    def mend(self) -> None:
        """Let everything through again."""
        self._cut_at = None

    def damage_after(self, count: int, *, upwards: bool) -> None:
        """Turn one bit over, once, after so many further bytes in that direction."""
        self._damage["up" if upwards else "down"] = count

    @property
    def damage_is_done(self) -> bool:
        return not self._damage

    @property
    def _is_cut(self) -> bool:
        return self._cut_at is not None and self.sent >= self._cut_at

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, way in ((client, server, "up"), (server, client, "down")):
                threading.Thread(target=self._pump, args=(source, sink, way), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                if self._is_cut:
                    break
                sink.sendall(self._passed(piece, way))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _passed(self, piece: bytes, way: str) -> bytes:
        with self._guard:
            if way == "up":
                self.sent += len(piece)
            left = self._damage.get(way)
            if left is None:
                return piece
            if left >= len(piece):
                self._damage[way] = left - len(piece)
                return piece
            del self._damage[way]
            return piece[:left] + bytes([piece[left] ^ 1]) + piece[left + 1 :]


@contextmanager
def wire(target: int) -> Iterator[Wire]:
    """Lay a wire to a port; afterwards all damage that was asked for must have been done."""
    laid = Wire(target)
    try:
        yield laid
    finally:
        laid.close()
    assert laid.damage_is_done, "scripted damage was never reached"
