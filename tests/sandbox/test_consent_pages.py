"""The pages a person clicks through, as a browser without script would."""

import base64
import hashlib
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

BACK = "http://localhost:8123/connections/return"


class Person:
    """Follows links and presses buttons; stops at the address of the app that asked."""

    def __init__(self, cloud: SandboxCloud, address: str, **query: str) -> None:
        self.http = httpx.Client()
        self.url = f"{cloud.login_url}{address}"
        self.answer = self.http.get(self.url, params=query)

    @property
    def text(self) -> str:
        return unescape(self.answer.text)

    def press(self, label: str) -> dict[str, str]:
        """Press the button whose text begins with `label`; returns what the app's address was given."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.answer.text))
        buttons = re.findall(r"<button([^>]*)>(.*?)</button>", self.answer.text, re.S)
        attributes = next(a for a, inner in buttons if unescape(inner).startswith(label))
        pressed = dict(re.findall(r'(name|value)="([^"]*)"', attributes))
        form = {name: unescape(value) for name, value in hidden.items()}
        if "name" in pressed:
            form[pressed["name"]] = pressed["value"]
        self.answer = self.http.post(self.url, data=form)
        location = self.answer.headers.get("location", "")
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def consent(cloud: SandboxCloud, **query: str) -> Person:
    asked = {"client_id": cloud.portal.client_id, "redirect_uri": BACK, "state": "a b&c", **query}
    return Person(cloud, "/common/adminconsent", **asked)


def test_an_admin_accepts_and_the_app_may_read(sandbox_cloud: SandboxCloud) -> None:
    person = consent(sandbox_cloud)
    assert "Pick an account" in person.text and "Guest" not in person.text
    assert person.press("Olivia Romano") == {}
    assert "Permissions requested" in person.text and "Read mail in all mailboxes" in person.text
    back = person.press("Accept")
    assert (back["tenant"], back["state"], back["admin_consent"]) == (sandbox_cloud.tenant_id, "a b&c", "True")
    assert person.answer.headers["location"].startswith(BACK)
    assert Graph(sandbox_cloud, sandbox_cloud.portal).get("/users")["value"]


def test_refusal_returns_an_error_and_grants_nothing(sandbox_cloud: SandboxCloud) -> None:
    person = consent(sandbox_cloud)
    person.press("Olivia Romano")
    back = person.press("Cancel")
    assert back["error"] == "permission_denied" and back["state"] == "a b&c" and "tenant" not in back
    assert Graph(sandbox_cloud, sandbox_cloud.portal).code("GET", "/users")[0] == 403


def test_only_an_admin_can_consent(sandbox_cloud: SandboxCloud) -> None:
    person = consent(sandbox_cloud)
    person.press("Bob Smith")
    assert "Need admin approval" in person.text
    person.press("Have an admin account")
    assert "Pick an account" in person.text
    person.press("Olivia Romano")
    assert person.press("Accept")["admin_consent"] == "True"


def test_strange_apps_and_addresses_are_refused_on_the_page(sandbox_cloud: SandboxCloud) -> None:
    foreign = consent(sandbox_cloud, redirect_uri="https://evil.example/return")
    assert foreign.answer.status_code == 400 and "AADSTS50011" in foreign.text
    assert "AADSTS700016" in consent(sandbox_cloud, client_id="5a9d0b0c-0000-4000-8000-000000000000").text
    assert "AADSTS90002" in Person(sandbox_cloud, "/nowhere.example/adminconsent").text


def test_pages_are_plain_and_strict(sandbox_cloud: SandboxCloud) -> None:
    person = consent(sandbox_cloud)
    policy = person.answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "http://localhost:8123" in policy
    assert "<script" not in person.text and "style=" not in person.text
    assert 'lang="en"' in person.text and "Sandbox Microsoft" in person.text
    assert httpx.get(f"{sandbox_cloud.login_url}/_static/sandbox.css").status_code == 200
    assert "Pizza Perfecto" in httpx.get(f"{sandbox_cloud.login_url}/").text


def test_a_person_signs_in_by_code_with_pkce(sandbox_cloud: SandboxCloud) -> None:
    app, verifier = sandbox_cloud.portal, "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    person = Person(
        sandbox_cloud,
        "/organizations/oauth2/v2.0/authorize",
        client_id=app.client_id,
        redirect_uri=BACK,
        response_type="code",
        scope="openid profile email offline_access",
        state="s",
        nonce="n",
        code_challenge=challenge,
        code_challenge_method="S256",
    )
    person.press("Bob Smith")
    code = person.press("Accept")["code"]
    form = {
        "client_id": app.client_id, "client_secret": app.secret, "grant_type": "authorization_code",
        "code": code, "redirect_uri": BACK, "code_verifier": "wrong",
    }  # fmt: skip
    token_url = f"{sandbox_cloud.login_url}/organizations/oauth2/v2.0/token"
    assert httpx.post(token_url, data=form).json()["error"] == "invalid_grant"


def sign_in(cloud: SandboxCloud, name: str, scope: str) -> tuple[str, dict[str, str]]:
    """(token address, its answer) after the pages."""
    app = cloud.portal
    person = Person(
        cloud, "/common/oauth2/v2.0/authorize", client_id=app.client_id, redirect_uri=BACK,
        response_type="code", scope=scope, nonce="n",
    )  # fmt: skip
    person.press(name)
    code = person.press("Accept")["code"]
    form = {
        "client_id": app.client_id, "client_secret": app.secret, "grant_type": "authorization_code",
        "code": code, "redirect_uri": BACK,
    }  # fmt: skip
    token_url = f"{cloud.login_url}/common/oauth2/v2.0/token"
    answer = httpx.post(token_url, data=form).json()
    again = httpx.post(token_url, data=form).json()
    assert again["error"] == "invalid_grant", "a code works once"
    return token_url, answer


def test_a_signed_in_person_reads_the_own_mailbox_only(sandbox_cloud: SandboxCloud) -> None:
    token_url, answer = sign_in(sandbox_cloud, "Bob Smith", "openid offline_access Mail.Read")
    keys = httpx.get(f"{sandbox_cloud.login_url}/common/discovery/v2.0/keys").json()["keys"]
    claims = jwt.decode(
        answer["id_token"], jwt.PyJWK(keys[0]).key, ["RS256"], audience=sandbox_cloud.portal.client_id
    )
    assert claims["nonce"] == "n" and claims["preferred_username"].startswith("bob.smith@")
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    graph = f"{sandbox_cloud.graph_url}/v1.0"
    assert httpx.get(f"{graph}/me", headers=headers).json()["displayName"] == "Bob Smith"
    assert httpx.get(f"{graph}/me/messages", headers=headers).json()["value"]
    other = httpx.get(f"{graph}/users/{sandbox_cloud.admin}/messages", headers=headers)
    assert other.status_code == 403
    form = {
        "client_id": sandbox_cloud.portal.client_id, "client_secret": sandbox_cloud.portal.secret,
        "grant_type": "refresh_token", "refresh_token": answer["refresh_token"],
    }  # fmt: skip
    assert "access_token" in httpx.post(token_url, data=form).json()
