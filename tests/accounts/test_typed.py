"""What was typed before the proof stands in the form again: once, without secrets, and it is never sent."""

import html
import json
import re
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import typed
from apps.backups.models import ReportSettings
from apps.core.scope import account_scope
from tests.cast import Cast, member, prove_again

pytestmark = pytest.mark.database
TYPED = {"is_on": "on", "format": "failures", "every": "weekly", "at": "06:15", "zone": "UTC", "way": "link"}


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def send(client: Client, name: str, data: dict[str, Any]) -> None:
    page = f"http://testserver{reverse(name)}"
    answer = client.post(page, data, headers={"referer": page})
    assert answer["Location"].startswith(reverse("sudo"))


def offered(client: Client, name: str) -> dict[str, Any] | None:
    found = re.search(r'data-typed="([^"]+)"', client.get(reverse(name)).content.decode())
    return json.loads(html.unescape(found[1])) if found else None


@pytest.mark.parametrize(
    ("name", "data"), [("reports", TYPED), ("alert_settings", {"sensitivity": "high", "silence_days": "9"})]
)
def test_it_is_there_again_once_and_nothing_was_done(
    olivia: Client, cast: Cast, name: str, data: dict[str, str]
) -> None:
    send(olivia, name, data)
    assert offered(olivia, name) is None, "who sits there is not proved"
    prove_again(olivia)
    assert offered(olivia, "alerts") is None, "another page"
    again = offered(olivia, name)
    assert again == {"to": reverse(name), "fields": {key: [value] for key, value in data.items()}}
    assert offered(olivia, name) is None, "once"
    with account_scope(cast.account.pk):
        assert not ReportSettings.objects.exists()


def test_secrets_are_not_kept_and_nothing_lies_open_in_the_session(olivia: Client, cast: Cast) -> None:
    page = reverse("notification_add", args=["webhook"])
    data = {
        "url": "https://hooks.example/t0p-of-the-hook",
        "password": "x",
        "api_key": "x",
        "new_secret": "on",
        "otp_code": "1",
    }
    olivia.post(page, data, headers={"referer": f"http://testserver{page}"})
    assert "t0p-of-the-hook" not in json.dumps(dict(olivia.session.items()), default=str)
    prove_again(olivia)
    found = re.search(r'data-typed="([^"]+)"', olivia.get(page).content.decode())
    assert found and set(json.loads(html.unescape(found[1]))["fields"]) == {"url", "new_secret"}


def test_it_is_forgotten_in_minutes_and_in_another_account(olivia: Client, cast: Cast) -> None:
    send(olivia, "reports", TYPED)
    prove_again(olivia)
    with patch.object(typed, "time") as watch:
        watch.time.return_value = 4e9
        assert offered(olivia, "reports") is None
    assert offered(olivia, "reports") is None
    send_to_typed = {**TYPED, "zone": "x" * typed.MOST}
    both = member(cast.account, "two@both.example", "administrator")
    other = Client()
    other.force_login(both)
    send(other, "reports", send_to_typed)
    assert typed.KEY not in other.session, "too long"
