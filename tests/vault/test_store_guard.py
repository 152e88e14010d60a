"""What a customer types as the endpoint of a store must not reach into the operator's network."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import pytest

from apps.core.public_web import allowed, networks
from apps.vault.errors import StoreError, StoreRefused, StoreUnavailable
from apps.vault.store.backends import guard
from apps.vault.store.backends.guard import check_endpoint
from apps.vault.stores import reach_own
from tests.fixtures.s3 import KEY_ID, SECRET, S3Server

KEYS = {"key_id": KEY_ID, "secret": SECRET}
INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::", "ff02::1",
    "64:ff9b::a00:5", "64:ff9b::a9fe:a9fe", "2002:a00:5::1", "::a00:5", "::ffff:0:a00:5", "fec0::1",
    "168.63.129.16", "192.0.0.192", "192.88.99.1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not allowed(address, ())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert allowed(address, ())


def test_the_operator_may_open_a_network() -> None:
    private = networks(["10.1.0.0/16"])
    assert allowed("10.1.2.3", private) and allowed("::ffff:10.1.2.3", private)
    assert allowed("fd00:7::1", networks(["fd00:7::/32"]))
    assert not allowed("10.2.2.3", private)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "127.1"])
def test_no_spelling_of_this_machine_gets_through(host: str) -> None:
    with pytest.raises((StoreRefused, StoreUnavailable)):
        check_endpoint(f"http://{host}:9000", ())


def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.5")]
    with patch("socket.getaddrinfo", return_value=found), pytest.raises(StoreRefused):
        check_endpoint("https://two-faced.example", ())


@pytest.mark.parametrize("endpoint", ["http://93.184.216.34", "https://93.184.216.34:99999"])
def test_without_encryption_or_with_a_senseless_port_nothing_is_asked(endpoint: str) -> None:
    with pytest.raises(StoreRefused):
        check_endpoint(endpoint, ())


def test_a_local_folder_is_no_store_of_a_customer() -> None:
    with pytest.raises(StoreRefused):
        reach_own("file:///etc", {})


def test_a_name_that_points_inside_only_after_the_look_up_gets_no_byte(
    s3_server: S3Server, settings: Any
) -> None:
    """DNS rebinding: the check saw a public address, the connection ends at this machine."""
    s3_server.start()
    settings.STORE_PRIVATE_NETWORKS = []
    bucket = s3_server.bucket("rebound")
    address = (
        f"s3://{bucket}?endpoint=http%3A%2F%2F127.0.0.1%3A{s3_server.port}&region=us-east-1&addressing=path"
    )
    with patch("apps.vault.stores.check_endpoint"):
        store = reach_own(address, KEYS)
    store._retry = type(store._retry)(tries=1)  # type: ignore[attr-defined]
    with pytest.raises(StoreError):
        store.put_if_absent("packs/aa/aa", b"never sent")
    assert not list((s3_server.folder / bucket).rglob("aa"))


def test_the_guard_lets_an_allowed_store_through(s3_server: S3Server, settings: Any) -> None:
    s3_server.start()
    settings.STORE_PRIVATE_NETWORKS = ["127.0.0.1"]
    bucket = s3_server.bucket("allowed")
    address = (
        f"s3://{bucket}?endpoint=http%3A%2F%2F127.0.0.1%3A{s3_server.port}&region=us-east-1&addressing=path"
    )
    store = reach_own(address, KEYS, knock=True)
    assert store.put_if_absent("packs/aa/aa", b"sent")
    assert store.get("packs/aa/aa") == b"sent"


class _Endless(BaseHTTPRequestHandler):
    """Answers whatever is asked with a list, or an object, that does not end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 65_536)
                self.server.sent += 65_536  # type: ignore[attr-defined]
        except OSError:
            return

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def endless() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.sent = 0  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("ask", ["list", "get", "get_range"])
def test_an_answer_without_end_is_cut_off(endless: Any, settings: Any, ask: str) -> None:
    settings.STORE_PRIVATE_NETWORKS = ["127.0.0.1"]
    port = endless.server_address[1]
    url = f"s3://endless?endpoint=http%3A%2F%2F127.0.0.1%3A{port}&region=us-east-1&addressing=path"
    store = reach_own(url, KEYS)
    asks = {
        "list": lambda: list(store.list("")),
        "get": lambda: store.get("packs/aa/aa"),
        "get_range": lambda: store.get_range("packs/aa/aa", 0, 10),
    }
    with (
        patch.object(guard, "ANSWER_BYTES", 1_000_000),
        patch.object(guard, "OBJECT_BYTES", 1_000_000),
        pytest.raises(StoreRefused, match="more than a store has"),
    ):
        asks[ask]()
    assert endless.sent < 50_000_000  # what fits into the buffers on the way came, and no more
