"""Tokens: by secret, by certificate, by code; what is wrong is said with its AADSTS number."""

import base64
import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from apps.sandbox.defaults import SeededApp
from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

SCOPE = "https://graph.microsoft.com/.default"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def ask(cloud: SandboxCloud, tenant: str | None = None, **form: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "scope": SCOPE, **form}
    return httpx.post(f"{cloud.login_url}/{tenant or cloud.tenant_id}/oauth2/v2.0/token", data=form)


def credentials(app: SeededApp) -> dict[str, str]:
    return {"client_id": app.client_id, "client_secret": app.secret}


def roles(answer: httpx.Response) -> list[str]:
    body: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return list(body.get("roles", []))


def test_a_secret_gives_a_token_with_the_consented_roles(sandbox_cloud: SandboxCloud) -> None:
    answer = ask(sandbox_cloud, **credentials(sandbox_cloud.read_only))
    assert answer.status_code == 200 and answer.json()["expires_in"] > 3000
    assert "Mail.Read" in roles(answer) and "Mail.ReadWrite" not in roles(answer)
    by_domain = ask(sandbox_cloud, sandbox_cloud.domain, **credentials(sandbox_cloud.manual))
    assert "Mail.ReadWrite" in roles(by_domain)


@pytest.mark.parametrize(
    ("change", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "5a9d0b0c-0000-4000-8000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"scope": "Mail.Read"}, 400, "invalid_scope", 1002012),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"tenant": "nowhere.example"}, 400, "invalid_request", 90002),
        ({"tenant": "common"}, 400, "invalid_request", 90002),
    ],
)
def test_what_is_wrong_is_named(
    sandbox_cloud: SandboxCloud, change: dict[str, str], status: int, error: str, number: int
) -> None:
    answer = ask(sandbox_cloud, **{**credentials(sandbox_cloud.manual), **change})
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")


def test_an_expired_secret_is_refused(sandbox_cloud: SandboxCloud) -> None:
    app = sandbox_cloud.manual
    sandbox_cloud.register_app(
        app.client_id, secrets=[{"value": app.secret, "expires": "2020-01-01T00:00:00Z"}]
    )
    assert ask(sandbox_cloud, **credentials(app)).json()["error_codes"] == [7000222]


def make_certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "backup")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=30))
    return key, builder.sign(key, hashes.SHA256())


def assertion(cloud: SandboxCloud, key: rsa.RSAPrivateKey, certificate: x509.Certificate, **change: Any) -> str:
    der = certificate.public_bytes(serialization.Encoding.DER)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    now = int(time.time())
    claims = {
        "aud": f"{cloud.login_url}/{cloud.tenant_id}/oauth2/v2.0/token",
        "iss": cloud.manual.client_id,
        "sub": cloud.manual.client_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 600,
        **change,
    }
    return jwt.encode(claims, key, "PS256", headers={"x5t#S256": thumbprint})


def test_a_certificate_signs_in(sandbox_cloud: SandboxCloud) -> None:
    key, certificate = make_certificate()
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    sandbox_cloud.register_app(sandbox_cloud.manual.client_id, certificates=[pem])
    form = {"client_id": sandbox_cloud.manual.client_id, "client_assertion_type": BEARER}
    good = ask(sandbox_cloud, client_assertion=assertion(sandbox_cloud, key, certificate), **form)
    assert "Mail.Read" in roles(good)
    other_key, other = make_certificate()
    for bad in (
        assertion(sandbox_cloud, other_key, other),
        assertion(sandbox_cloud, other_key, certificate),
        assertion(sandbox_cloud, key, certificate, aud="https://elsewhere.example/token"),
        assertion(sandbox_cloud, key, certificate, exp=int(time.time()) - 10),
        assertion(sandbox_cloud, key, certificate, sub="somebody else"),
    ):
        answer = ask(sandbox_cloud, client_assertion=bad, **form)
        assert (answer.status_code, answer.json()["error_codes"]) == (401, [700027])


def test_without_consent_the_token_comes_and_graph_refuses(sandbox_cloud: SandboxCloud) -> None:
    answer = ask(sandbox_cloud, **credentials(sandbox_cloud.portal))
    assert answer.status_code == 200 and roles(answer) == []
    graph = Graph(sandbox_cloud, sandbox_cloud.portal)
    assert graph.code("GET", "/users") == (403, "Authorization_RequestDenied")
    assert graph.code("GET", "messages") == (403, "ErrorAccessDenied")
    sandbox_cloud.grant_consent(sandbox_cloud.portal.client_id)
    assert Graph(sandbox_cloud, sandbox_cloud.portal).get("/users")["value"]


def test_revoked_consent_ends_tokens_and_gives_none_with_roles(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    assert graph.get("/users")["value"]
    sandbox_cloud.revoke_consent(sandbox_cloud.manual.client_id)
    assert graph.code("GET", "/users") == (401, "InvalidAuthenticationToken")
    assert Graph(sandbox_cloud).code("GET", "/users") == (403, "Authorization_RequestDenied")


def test_permissions_open_only_their_routes(sandbox_cloud: SandboxCloud) -> None:
    reader = Graph(sandbox_cloud, sandbox_cloud.read_only)
    message = reader.get("messages?$top=1")["value"][0]["id"]
    assert reader.code("PATCH", f"messages/{message}", json={"isRead": True}) == (403, "ErrorAccessDenied")
    assert reader.code("POST", "mailFolders", json={"displayName": "x"}) == (403, "ErrorAccessDenied")
    assert reader.code("DELETE", f"messages/{message}") == (403, "ErrorAccessDenied")
    sandbox_cloud.grant_consent(sandbox_cloud.read_only.client_id, ["User.Read.All"])
    reader = Graph(sandbox_cloud, sandbox_cloud.read_only)
    assert reader.get("/users")["value"]
    assert reader.code("GET", "/groups") == (403, "Authorization_RequestDenied")
    assert reader.code("GET", "messages") == (403, "ErrorAccessDenied")


def test_tokens_end(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    sandbox_cloud.expire_tokens()
    assert graph.code("GET", "messages") == (401, "InvalidAuthenticationToken")
    assert httpx.get(f"{sandbox_cloud.graph_url}/v1.0/users").status_code == 401
    sandbox_cloud.switch(token_seconds=-1)
    assert Graph(sandbox_cloud).code("GET", "messages") == (401, "InvalidAuthenticationToken")


def test_the_configuration_names_working_addresses(sandbox_cloud: SandboxCloud) -> None:
    base = f"{sandbox_cloud.login_url}/{sandbox_cloud.tenant_id}"
    found = httpx.get(f"{base}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert httpx.get(found["jwks_uri"]).json()["keys"][0]["kty"] == "RSA"
    instance = httpx.get(f"{sandbox_cloud.login_url}/common/discovery/instance?api-version=1.1").json()
    assert instance["metadata"][0]["aliases"]
