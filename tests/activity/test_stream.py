"""The audit reaches a SIEM: whole, in order, at least once, signed, and nowhere inside our own network."""

import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import Account, Membership
from apps.activity.models import AuditStream, SecurityEvent
from apps.activity.stream import wires
from apps.activity.stream.formats import cef
from apps.activity.stream.services import stream_send, streams_due
from apps.core import clock
from apps.core.scope import account_scope
from tests.activity.chains import act
from tests.cast import Cast, prove_again
from tests.listener import Listener

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def this_machine_may_be_reached(settings: object) -> None:
    settings.STREAM_PRIVATE_NETWORKS = ["127.0.0.0/8"]  # type: ignore[attr-defined]


class Siem(Listener):
    """A SIEM that reads JSON lines."""

    @property
    def numbers(self) -> list[int]:
        return [json.loads(line)["sequence"] for _, body in self.got for line in body.decode().splitlines()]


@pytest.fixture
def siem() -> Iterator[Siem]:
    with Siem() as made:
        yield made


@pytest.fixture
def set_up(client: Client, cast: Cast) -> Callable[..., str]:
    """Set the stream up as the owner does; returns the secret that the page shows."""
    client.force_login(cast.owner)
    prove_again(client)

    def run(address: str, kind: str = "webhook", format: str = "json", **fields: str) -> str:
        response = client.post(
            reverse("audit_stream"), {"kind": kind, "format": format, "address": address, **fields}
        )
        assert response.status_code in (200, 302), response.content.decode()
        return response.context["secret"] if response.status_code == 200 else ""

    return run


def send(account: Account) -> int:
    with account_scope(account.pk):
        return stream_send()


def the_stream(account: Account) -> AuditStream:
    with account_scope(account.pk):
        return AuditStream.objects.get()


def test_a_webhook_gets_each_entry_signed(cast: Cast, siem: Siem, set_up: Callable[..., str]) -> None:
    act(cast.account, 3)
    secret = set_up(siem.url, from_start="on")
    assert streams_due() == [cast.account.pk]
    assert send(cast.account) == 4
    assert streams_due() == []
    ((headers, body),) = siem.got
    parts = dict(part.split("=") for part in headers["X-Everkeep-Signature"].split(","))
    wanted = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert parts["v1"] == wanted
    assert headers["X-Everkeep-Entries"] == "1-4"
    first = json.loads(body.splitlines()[0])
    seal = first.pop("seal")
    words = first.pop("words")
    again = json.dumps(first, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert hashlib.sha256(again).hexdigest() == seal  # a SIEM can verify the chain by itself
    assert words


def test_it_begins_with_what_happens_next(cast: Cast, siem: Siem, set_up: Callable[..., str]) -> None:
    act(cast.account, 3)
    set_up(siem.url)
    assert send(cast.account) == 1
    assert siem.numbers == [4]  # the entry that says that the stream was set up
    assert b"127.0.0.1" in siem.got[0][1] and b"x=1" not in siem.got[0][1]


def test_after_trouble_it_goes_on_where_it_was(cast: Cast, siem: Siem, set_up: Callable[..., str]) -> None:
    set_up(siem.url, from_start="on")
    act(cast.account, 4)
    siem.answers = [503, 302]
    assert send(cast.account) == 0
    failed = the_stream(cast.account)
    assert (failed.sent, failed.failures, failed.last_error[:26]) == (0, 1, "The webhook answered 503. ")
    assert streams_due() == []
    assert send(cast.account) == 0  # it waits
    later = clock.now()
    for wait in (16, 32):
        later += timedelta(seconds=wait)
        with clock.travel(later):
            send(cast.account)
    assert siem.numbers == [1, 2, 3, 4, 5] * 3  # a redirect is no arrival
    well = the_stream(cast.account)
    assert (well.sent, well.failures, well.last_error) == (5, 0, "")


def test_one_sender_at_a_time(cast: Cast, siem: Siem, set_up: Callable[..., str]) -> None:
    set_up(siem.url)
    with account_scope(cast.account.pk):
        AuditStream.objects.update(claimed_until=clock.now() + timedelta(minutes=1))
    assert send(cast.account) == 0
    with clock.travel(clock.now() + timedelta(minutes=2)):
        assert send(cast.account) == 1  # whose sender died


@contextmanager
def listening(kind: int) -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        if kind == socket.SOCK_STREAM:
            server.listen()
        yield server, f"127.0.0.1:{server.getsockname()[1]}"


def read_all(
    server: socket.socket,
    into: list[bytes],
    tls: ssl.SSLContext | None = None,
    refused: list[ssl.SSLError] | None = None,
) -> threading.Thread:
    """Take one connection to its end. Who wants its handshake refused gives `refused`, which is told so."""

    def run() -> None:
        wire, _ = server.accept()
        try:
            with tls.wrap_socket(wire, server_side=True) if tls else wire as open_wire:
                while data := open_wire.recv(65536):
                    into.append(data)
        except ssl.SSLError as error:
            if refused is None:
                raise
            refused.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def frames(data: bytes) -> list[bytes]:
    """Octet counting of RFC 6587."""
    found = []
    while data:
        size, _, data = data.partition(b" ")
        found.append(data[: int(size)])
        data = data[int(size) :]
    return found


def test_syslog_over_tcp(cast: Cast, set_up: Callable[..., str]) -> None:
    act(cast.account, 2)
    got: list[bytes] = []
    with listening(socket.SOCK_STREAM) as (server, address):
        set_up(address, "syslog_tcp", "cef", from_start="on")
        thread = read_all(server, got)
        assert send(cast.account) == 3
        thread.join(30)
    messages = frames(b"".join(got))
    assert [message.split()[5] for message in messages] == [b"task.changed", b"task.changed", b"stream.set"]
    assert messages[0].startswith(b"<85>1 20")
    assert b" - CEF:0|Everkeep|Everkeep|1|task.changed|" in messages[0]


def test_syslog_over_udp(cast: Cast, set_up: Callable[..., str]) -> None:
    with listening(socket.SOCK_DGRAM) as (server, address):
        set_up(address, "syslog_udp", "json", from_start="on")
        assert send(cast.account) == 1
        message = server.recv(65536)
    assert json.loads(message.split(b" - ", 1)[1])["code"] == "stream.set"


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "siem")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_syslog_over_tls_wants_a_good_certificate(
    cast: Cast, set_up: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(cert, key)
    got: list[bytes] = []
    refused: list[ssl.SSLError] = []
    with listening(socket.SOCK_STREAM) as (server, address):
        set_up(address.replace("127.0.0.1", "localhost"), "syslog_tls")
        thread = read_all(server, got, theirs, refused)
        assert send(cast.account) == 0
        thread.join(30)
        assert [error.reason for error in refused] == ["TLSV1_ALERT_UNKNOWN_CA"] and got == []
        assert "certificate is not accepted" in the_stream(cast.account).last_error
        monkeypatch.setattr(wires, "tls", lambda: ssl.create_default_context(cafile=str(cert)))
        thread = read_all(server, got, theirs)
        with clock.travel(clock.now() + timedelta(minutes=1)):
            assert send(cast.account) == 1
        thread.join(30)
    assert len(frames(b"".join(got))) == 1


@pytest.mark.parametrize(
    ("kind", "address", "why"),
    [
        ("webhook", "http://127.0.0.1:5/x", "not an address of the public internet"),
        ("webhook", "https://169.254.169.254/latest/meta-data", "not an address of the public internet"),
        ("webhook", "https://[::1]/", "not an address of the public internet"),
        ("webhook", "http://93.184.216.34/x", "without encryption"),
        ("syslog_udp", "93.184.216.34:514", "without encryption"),
        ("syslog_tls", "10.1.2.3:6514", "not an address of the public internet"),
        ("webhook", "ftp://example.com/", "not an address that we can send to"),
        ("webhook", "https://user:pw@example.com/", "not an address that we can send to"),
        ("webhook", "https://bücher.example/", "not an address that we can send to"),
        ("syslog_tcp", "host:port", "not an address that audits can be sent to"),
    ],
)
def test_what_only_we_can_reach_is_not_reached(
    client: Client, cast: Cast, kind: str, address: str, why: str
) -> None:
    client.force_login(cast.owner)
    prove_again(client)
    with override_settings(STREAM_PRIVATE_NETWORKS=[]):
        asked = {"kind": kind, "format": "json", "address": address}
        response = client.post(reverse("audit_stream"), asked)
    assert response.status_code == 422
    assert why in response.content.decode()
    with account_scope(cast.account.pk):
        assert not AuditStream.objects.exists()


def test_a_name_that_leads_inside_later_gets_nothing(
    cast: Cast, siem: Siem, set_up: Callable[..., str], settings: object
) -> None:
    set_up(siem.url)
    settings.STREAM_PRIVATE_NETWORKS = []  # type: ignore[attr-defined]
    assert send(cast.account) == 0
    assert siem.got == []
    assert "not an address of the public internet" in the_stream(cast.account).last_error


def test_the_page_shows_the_lag_and_stops_the_stream(
    client: Client, cast: Cast, siem: Siem, set_up: Callable[..., str]
) -> None:
    set_up(siem.url)
    act(cast.account, 6)
    siem.answers = [500]
    send(cast.account)
    page = client.get(reverse("audit_stream")).content.decode()
    assert "The webhook answered 500" in page
    assert "<dt>Still to send</dt><dd>7</dd>" in page
    client.post(reverse("audit_stream_stop"))
    with account_scope(cast.account.pk):
        assert not AuditStream.objects.exists()
        assert SecurityEvent.objects.order_by("-sequence")[0].code == "stream.stopped"


def test_cef_escapes_what_would_end_a_field(cast: Cast) -> None:
    (event,) = act(cast.account)
    event.description, event.code = "a=b\\c\nd|e", "x|y.z"
    line = cef(event)
    assert "msg=a\\=b\\\\c\\nd|e" in line
    assert "|x\\|y.z|" in line
    assert "\n" not in line


@pytest.mark.parametrize("lacks", ["proof", "activity", "services"])
def test_only_who_sees_the_whole_audit_sends_it_out_and_after_a_fresh_proof(
    lacks: str, client: Client, cast: Cast, siem: Siem
) -> None:
    rights = {"account_settings", "activity", "limited_access"} - {lacks}
    services = ["onedrive"] if lacks == "services" else None
    Membership.objects.filter(user=cast.custom, account=cast.account).update(
        extra_permissions=sorted(rights), services=services
    )
    client.force_login(cast.custom)
    if lacks != "proof":
        prove_again(client)
    answer = client.post(reverse("audit_stream"), {"kind": "webhook", "format": "json", "address": siem.url})
    assert answer.status_code == (302 if lacks == "proof" else 403)
    with account_scope(cast.account.pk):
        assert not AuditStream.objects.exists()
