"""`python -m apps.sandbox` and `manage.py sandbox`, also with https."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import msal
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from django.core.management import call_command

from apps.sandbox.child import ROOT
from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph
from tests.sandbox.test_identity import make_certificate


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "apps.sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_a_tenant_is_seeded_advanced_loaded_and_then_served(tmp_path: Path) -> None:
    state, mails = tmp_path / "state", tmp_path / "mails" / "From disk"
    mails.mkdir(parents=True)
    (mails / "a.eml").write_bytes(b"Subject: from disk\n\nx\n")
    seeded = json.loads(run("seed", "--state", str(state), "--users", "3", "--messages", "30"))
    assert seeded["users"] == 8 and seeded["messages"] >= 30
    assert json.loads(run("advance", "--state", str(state), "--days", "2"))["done"]["new"] > 0
    admin = SandboxCloud.admin
    loaded = run("load", "--state", str(state), "--mailbox", admin, "--folder", str(mails.parent))
    assert json.loads(loaded) == {"loaded": 1}
    with SandboxCloud(state, arguments=()) as cloud:
        folders = {
            f["displayName"]: f["totalItemCount"] for f in Graph(cloud).all("mailFolders/inbox/childFolders")
        }
        assert folders["From disk"] == 1
        kept = cloud.mailbox_hash(admin)
        call_command("sandbox", "bulk", state=state, mailbox=admin, messages=5, size=900)
        assert Graph(cloud).get("mailFolders/inbox")["totalItemCount"] >= 5, "the server sees what others wrote"
        assert cloud.mailbox_hash(admin) != kept
        kept = cloud.mailbox_hash(admin)
    with SandboxCloud(state, arguments=()) as cloud:
        assert cloud.mailbox_hash(admin) == kept, "the tenant survives a restart"


def test_an_empty_tenant_is_seeded_when_it_is_served(tmp_path: Path) -> None:
    with SandboxCloud(tmp_path, arguments=("--users", "2", "--messages", "10")) as cloud:
        assert cloud.control("health")["status"] == "ok"
        assert Graph(cloud).get("/users")["value"]


def test_everything_can_live_below_a_path(tmp_path: Path) -> None:
    with SandboxCloud(tmp_path, arguments=("--empty", "--base-path", "/cloud")) as cloud:
        cloud.reset(users=2, messages=30)
        assert cloud.url.endswith("/cloud")
        page = Graph(cloud).get("messages?$top=1")
        assert page["@odata.nextLink"].startswith(f"{cloud.url}/v1.0/")
        assert Graph(cloud).get(page["@odata.nextLink"])["value"]
        found = httpx.get(f"{cloud.url}/common/v2.0/.well-known/openid-configuration").json()
        assert found["token_endpoint"].startswith(cloud.url)


@pytest.fixture
def secure(tmp_path: Path) -> tuple[Path, Path]:
    key, certificate = make_certificate()
    certificate_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file.write_bytes(encoded)
    return certificate_file, key_file


def test_msal_gets_a_token_over_https(tmp_path: Path, secure: tuple[Path, Path]) -> None:
    state = tmp_path / "state"
    run("seed", "--state", str(state), "--users", "2", "--messages", "10")
    arguments = ("--certificate", str(secure[0]), "--key", str(secure[1]))
    with SandboxCloud(state, arguments=arguments) as cloud:
        session = requests.Session()
        session.trust_env, session.verify = False, False
        app = msal.ConfidentialClientApplication(
            cloud.manual.client_id,
            client_credential=cloud.manual.secret,
            authority=f"{cloud.url}/{cloud.tenant_id}",
            instance_discovery=False,
            http_client=session,
        )
        answer = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        users = httpx.get(f"{cloud.url}/v1.0/users", headers=headers, verify=False).json()
        assert len(users["value"]) == 7
