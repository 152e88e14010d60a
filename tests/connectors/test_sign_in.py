"""Signing in as an app: tokens, certificates, and every refusal in words that say what to do."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from apps.connectors.microsoft import credentials
from apps.connectors.microsoft.auth import AppIdentity, consent_url
from apps.connectors.microsoft.credentials import (
    CertificateCredential,
    SecretCredential,
    credential_from_bytes,
)
from apps.connectors.microsoft.endpoints import Endpoints
from apps.core.errors import ConsentLost, InvalidRequest, Unavailable

from .scripted import CLIENT, GRAPH, LOGIN, SECRET, TENANT, ScriptedGraph, error_answer, json_answer

GOOD = json_answer({"value": "good"})
TOKEN_URL = f"{LOGIN}/{TENANT}/oauth2/v2.0/token"


def make_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: str = "") -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "everkeep")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2028, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


async def test_one_token_serves_until_shortly_before_it_ends() -> None:
    cloud = ScriptedGraph(GOOD)
    graph = cloud.open()
    for _ in range(3):
        await graph.get("/organization", pool=graph.pool())
    cloud.now += 3599 - 300 + 1
    await graph.get("/organization", pool=graph.pool())
    assert [request.headers["authorization"] for request in cloud.requests] == [
        *["Bearer token-1"] * 3,
        "Bearer token-2",
    ]


async def test_a_token_is_kept_for_the_next_run_but_not_for_another_secret() -> None:
    cloud = ScriptedGraph(GOOD)
    for secret in (SECRET, SECRET, "another"):
        graph = cloud.open(AppIdentity(TENANT, CLIENT, SecretCredential(secret)))
        await graph.get("/organization", pool=graph.pool())
    assert len(cloud.logins) == 2


async def test_a_secret_is_sent_as_a_form_to_the_tenants_own_address() -> None:
    cloud = ScriptedGraph(GOOD)
    graph = cloud.open()
    await graph.get("/organization", pool=graph.pool())
    login = cloud.logins[0]
    assert str(login.url) == TOKEN_URL
    assert parse_qs(login.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": [CLIENT],
        "client_secret": [SECRET],
        "scope": ["https://graph.microsoft.com/.default"],
    }


async def test_a_certificate_signs_an_assertion_that_its_public_half_verifies(
    rsa_key: rsa.RSAPrivateKey,
) -> None:
    cloud = ScriptedGraph(GOOD)
    pem = make_pem(rsa_key)
    graph = cloud.open(AppIdentity(TENANT, CLIENT, CertificateCredential.from_pem(pem)))
    await graph.get("/organization", pool=graph.pool())
    form = parse_qs(cloud.logins[0].content.decode())
    assertion = form["client_assertion"][0]
    unlimited = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    claims = jwt.decode(assertion, rsa_key.public_key(), ["PS256"], audience=TOKEN_URL, options=unlimited)
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == (CLIENT, CLIENT, 600)
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert jwt.get_unverified_header(assertion)["x5t#S256"] == thumbprint
    assert "client_secret" not in form


def test_a_locked_key_opens_with_its_passphrase_and_is_kept_whole(rsa_key: rsa.RSAPrivateKey) -> None:
    credential = CertificateCredential.from_pem(make_pem(rsa_key, "open sesame"), "open sesame")
    assert credential_from_bytes(credential.to_bytes()) == credential
    assert credential.expires_at == datetime(2028, 1, 1, tzinfo=UTC)


def test_a_file_that_cannot_sign_in_is_refused_with_the_reason(rsa_key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(65537, 2048)
    mixed = make_pem(rsa_key).partition(b"-----BEGIN PRIVATE")[0] + other.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for pem, reason in (
        (b"not a certificate", "does not hold"),
        (make_pem(rsa_key, "open sesame"), "does not hold"),
        (make_pem(ec.generate_private_key(ec.SECP256R1())), "RSA"),
        (mixed, "does not belong"),
    ):
        with pytest.raises(InvalidRequest, match=reason):
            CertificateCredential.from_pem(pem)


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([tag, len(body)] if len(body) < 128 else [tag, 0x81, len(body)]) + body


def locked_with(rounds: int) -> bytes:
    """A key under PBES2 (RFC 8018 A.4) whose passphrase is hashed so often; nobody ever locked it."""
    pbes2, pbkdf2, aes = (
        bytes.fromhex(each) for each in ("2a864886f70d01050d", "2a864886f70d01050c", "60864801650304012a")
    )
    derive = der(0x30, der(6, pbkdf2), der(0x30, der(4, b"saltsalt"), der(2, rounds.to_bytes(4, "big"))))
    cipher = der(0x30, der(6, aes), der(4, bytes(16)))
    key = der(0x30, der(0x30, der(6, pbes2), der(0x30, derive, cipher)), der(4, bytes(64)))
    return (
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n%s\n-----END ENCRYPTED PRIVATE KEY-----\n"
        % base64.b64encode(key)
    )


def test_a_key_that_takes_for_ever_to_open_is_refused(
    rsa_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_pem(rsa_key).partition(b"-----BEGIN PRIVATE")[0]
    with pytest.raises(InvalidRequest, match="does not hold"):
        CertificateCredential.from_pem(certificate + locked_with(rounds=100), "open sesame")
    monkeypatch.setattr(credentials, "KEY_SECONDS", 1)  # a busy machine takes as long to load the library alone
    with pytest.raises(InvalidRequest, match="too long"):
        CertificateCredential.from_pem(certificate + locked_with(rounds=2**31 - 1), "open sesame")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (7000215, "client secret is wrong"),
        (7000222, "client secret has expired"),
        (700016, "does not know this app"),
        (90002, "does not know this tenant"),
        (700027, "does not accept the certificate"),
        (65001, "consented"),
        (7000229, "not part of this tenant"),
        (500014, "no active subscription"),
        (123456, "refused our sign-in"),
    ],
)
async def test_each_refusal_says_what_is_wrong_and_what_to_do(code: int, words: str) -> None:
    cloud = ScriptedGraph(GOOD)
    cloud.login_answers = [json_answer({"error": "x", "error_description": f"AADSTS{code}: technical"}, 400)]
    graph = cloud.open()
    with pytest.raises(ConsentLost, match=words) as caught:
        await graph.get("/organization", pool=graph.pool())
    assert caught.value.do
    assert caught.value.provider_code == f"AADSTS{code}"


async def test_a_sign_in_that_does_not_answer_is_tried_again_and_no_refusal() -> None:
    cloud = ScriptedGraph(GOOD)
    cloud.login_answers = [
        httpx.ConnectError("down"),
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "3"}),
    ]
    graph = cloud.open()
    await graph.get("/organization", pool=graph.pool())
    assert cloud.slept == [2.0, 4.0, 3.0]
    cloud.login_answers = [httpx.ConnectError("down")] * 6
    graph.forget_token()
    with pytest.raises(Unavailable):
        await graph.get("/organization", pool=graph.pool())


async def test_a_token_without_roles_shows_as_a_missing_permission() -> None:
    cloud = ScriptedGraph(error_answer(403, "Authorization_RequestDenied"))
    graph = cloud.open()
    with pytest.raises(Exception, match="a permission is missing"):
        await graph.get("/users", pool=graph.pool())


def test_the_consent_address_names_the_app_the_way_back_and_the_state() -> None:
    url = httpx.URL(
        consent_url(
            endpoints=Endpoints(LOGIN, GRAPH), client_id=CLIENT, redirect_uri="http://p.test/back", state="s+/="
        )
    )
    assert (url.host, url.path) == ("login.test", "/common/adminconsent")
    assert dict(url.params) == {"client_id": CLIENT, "redirect_uri": "http://p.test/back", "state": "s+/="}


def test_times_of_the_certificate_are_read_in_utc(rsa_key: rsa.RSAPrivateKey) -> None:
    assert CertificateCredential.from_pem(make_pem(rsa_key)).expires_at.utcoffset() == timedelta(0)
