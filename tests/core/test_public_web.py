"""What answers at an address that somebody typed gets so much time and no more."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from apps.core import public_web
from apps.core.errors import Unavailable


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_server_that_drips_is_cut_off(begin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_web, "_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        let_go = threading.Event()

        def drip() -> None:
            wire, _ = server.accept()
            with wire, suppress(OSError):
                wire.sendall(begin or b"HTTP/1.1 200 OK\r\nX-A: ")
                while not let_go.is_set():
                    wire.sendall(b"a")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        begun = time.monotonic()
        try:
            with pytest.raises(Unavailable):
                public_web.fetch(address, most_bytes=10_000, private=public_web.networks(["127.0.0.0/8"]))
        finally:
            let_go.set()
        assert time.monotonic() - begun < 10  # without the timer it never comes back
