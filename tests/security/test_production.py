"""How the portal answers on the internet: over TLS alone, with cookies that stay at home."""

import json
from typing import Any

import pytest

from tests.core.test_settings import GOOD, start

PROBE = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client, override_settings
static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
plain = {**settings.STORAGES, "staticfiles": static}
ours, evil = {"host": "portal.everkeep.example"}, {"host": "evil.example"}
elsewhere = {"origin": "https://evil.example"}
with override_settings(STORAGES=plain):
    client, strict = Client(headers=ours), Client(headers=ours, enforce_csrf_checks=True)
    answers = {
        "page": dict(client.get("/sign-in/", secure=True).headers),
        "plain": dict(client.get("/sign-in/").headers),
        "stranger": Client(headers=evil).get("/sign-in/", secure=True).status_code,
        "forged": strict.post("/sign-in/", {}, secure=True, headers=elsewhere).status_code,
        "outbox": client.get("/outbox/", secure=True).status_code,
        "styleguide": client.get("/styleguide/", secure=True).status_code,
        "cookies": {one.key: {k: v for k, v in one.items() if v} for one in client.cookies.values()},
        "session": {
            name: getattr(settings, f"SESSION_COOKIE_{name}")
            for name in ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "DOMAIN", "PATH")
        },
    }
print("ANSWERS" + json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    found = start(PROBE, **GOOD, EVERKEEP_HOSTS="portal.everkeep.example")
    assert "ANSWERS" in found.stdout, found.stderr[-3000:]
    answered: dict[str, Any] = json.loads(found.stdout.split("ANSWERS")[1])
    return answered


def test_browsers_are_told_to_come_by_tls_for_a_year(answers: dict[str, Any]) -> None:
    assert answers["page"]["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert answers["plain"]["Location"] == "https://portal.everkeep.example/sign-in/"


def test_pages_carry_the_policy_and_stand_in_no_frame(answers: dict[str, Any]) -> None:
    headers = answers["page"]
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "*" not in policy and "form-action 'self'" in policy
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert (headers["Referrer-Policy"], headers["Cross-Origin-Opener-Policy"]) == ("same-origin", "same-origin")


def test_cookies_go_over_tls_to_this_host_alone(answers: dict[str, Any]) -> None:
    """`__Host-` makes browsers refuse them without Secure, with a Domain, or for a part of the site."""
    ((name, cookie),) = answers["cookies"].items()
    assert name == "__Host-everkeep-csrf" and "domain" not in cookie
    assert (cookie["secure"], cookie["path"], cookie["samesite"]) == (True, "/", "Lax")
    wanted = {"SECURE": True, "HTTPONLY": True, "SAMESITE": "Lax", "DOMAIN": None, "PATH": "/"}
    assert answers["session"] == {"NAME": "__Host-everkeep-session", **wanted}


def test_other_names_and_other_sites_forms_are_refused(answers: dict[str, Any]) -> None:
    assert (answers["stranger"], answers["forged"]) == (400, 403)


def test_what_is_for_developers_is_not_there(answers: dict[str, Any]) -> None:
    assert (answers["outbox"], answers["styleguide"]) == (404, 404)
