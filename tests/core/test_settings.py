"""Production is shut by default, and the documented table of settings is the real one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from apps.core.management.commands.serve import Command

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "EVERKEEP_SECRET_KEY": "test-only-0123456789-abcdefghij-klmnopqrst-uvwxyz-ABCDEF",
    "EVERKEEP_MASTER_KEYS": "mk:" + "a2" * 21 + "a=",
    "EVERKEEP_DATABASE_URL": "sqlite:////tmp/never-opened.sqlite3",
    "EVERKEEP_PORTAL_URL": "https://portal.everkeep.example",
    "EVERKEEP_EMAIL_URL": "smtp+tls://user:password@mail.everkeep.example:587",
}


def start(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("EVERKEEP_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "DJANGO_SETTINGS_MODULE": "config.settings.production", **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


LOAD = "from django.conf import settings; settings.DEBUG"


def test_production_refuses_to_start_without_a_secret_key() -> None:
    answer = start(LOAD, **{**GOOD, "EVERKEEP_SECRET_KEY": ""})
    assert answer.returncode != 0 and "EVERKEEP_SECRET_KEY" in answer.stderr


def test_production_refuses_a_default_or_short_secret_key() -> None:
    for key in ("short", "django-insecure-" + "x" * 60):
        assert start(LOAD, **{**GOOD, "EVERKEEP_SECRET_KEY": key}).returncode != 0


def test_production_refuses_to_start_without_master_keys() -> None:
    answer = start(LOAD, **{**GOOD, "EVERKEEP_MASTER_KEYS": ""})
    assert answer.returncode != 0 and "EVERKEEP_MASTER_KEYS" in answer.stderr


@pytest.mark.parametrize("name", ["EVERKEEP_PORTAL_URL", "EVERKEEP_EMAIL_URL"])
def test_production_refuses_to_start_half_configured(name: str) -> None:
    answer = start(LOAD, **{**GOOD, name: ""})
    assert answer.returncode != 0 and name in answer.stderr


def test_production_refuses_debug() -> None:
    answer = start(LOAD, **GOOD, EVERKEEP_DEBUG="1")
    assert answer.returncode != 0 and "EVERKEEP_DEBUG" in answer.stderr


def test_djangos_deployment_check_finds_nothing() -> None:
    code = (
        "import django; django.setup(); from django.core.management import call_command; "
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    answer = start(code, **GOOD)
    assert answer.returncode == 0, answer.stderr


def test_what_the_address_of_the_database_asks_for_is_kept() -> None:
    code = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"
    address = "postgres://user:password@host/name?sslmode=verify-full"
    answer = start(code, **{**GOOD, "EVERKEEP_DATABASE_URL": address})
    assert "'sslmode': 'verify-full'" in answer.stdout and "'pool': True" in answer.stdout


def test_every_setting_is_in_the_documented_table() -> None:
    code = "".join(p.read_text() for p in [*(ROOT / "config").rglob("*.py"), *(ROOT / "apps").rglob("*.py")])
    used = set(re.findall(r"env\.?\w*\(\s*\"(EVERKEEP_[A-Z_]+)\"", code))
    table = set(re.findall(r"^\| `(EVERKEEP_[A-Z_]+)`", (ROOT / "docs/operations.md").read_text(), re.M))
    assert used == table


def test_a_portal_open_to_the_network_shows_nobody_its_mails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With EVERKEEP_DEBUG, /outbox/ answers who writes `Host: localhost`; its links open any account."""
    for host, expected in (("127.0.0.1", None), ("0.0.0.0", "off")):
        monkeypatch.setattr(os, "environ", {})
        Command()._set_environment(tmp_path, host, 8000, 9000)
        assert os.environ.get("EVERKEEP_DEBUG") == expected
        # In the sandbox everybody is whoever they like to be.
        assert ("EVERKEEP_SIGN_IN_MICROSOFT_ID" in os.environ) == (expected is None)


def test_an_operators_own_registration_is_not_sent_to_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "environ", {"EVERKEEP_SIGN_IN_MICROSOFT_ID": "mine"})
    Command()._set_environment(tmp_path, "127.0.0.1", 8000, 9000)
    assert {name for name in os.environ if "SIGN_IN" in name} == {"EVERKEEP_SIGN_IN_MICROSOFT_ID"}


def test_a_sign_in_provider_that_is_set_up_halfway_or_without_tls_stops_the_start() -> None:
    okta = {"EVERKEEP_SIGN_IN_OKTA_ID": "id", "EVERKEEP_SIGN_IN_OKTA_SECRET": "s"}
    assert "set EVERKEEP_SIGN_IN_OKTA_SECRET and" in start(LOAD, **GOOD, **okta).stderr
    plain = {**okta, "EVERKEEP_SIGN_IN_OKTA_SERVER": "http://company.okta.example"}
    assert "EVERKEEP_SIGN_IN_OKTA_SERVER must be an https address" in start(LOAD, **GOOD, **plain).stderr
