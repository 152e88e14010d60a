"""While debugging, mails can be read on a page; otherwise that page does not exist."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from apps.core.outbox import OutboxBackend


@pytest.fixture
def outbox(settings: Any, tmp_path: Path, db: None) -> str:
    settings.OUTBOX_DIR = tmp_path / "outbox"
    mail = EmailMultiAlternatives("Grüße <b>", "Go to http://localhost/x/ now", "a@b.example", ["c@d.example"])
    mail.attach_alternative('<p style="color:red">Go <a href="http://localhost/x/">now</a></p>', "text/html")
    OutboxBackend().send_messages([mail])
    (path,) = settings.OUTBOX_DIR.glob("*.eml")
    return str(path.stem)


def test_mails_are_listed_and_shown_with_links_that_work(client: Client, outbox: str, settings: Any) -> None:
    settings.DEBUG = True
    listing = client.get(reverse("outbox")).content.decode()
    assert "Grüße &lt;b&gt;" in listing
    assert reverse("outbox_mail", args=[outbox]) in listing
    page = client.get(reverse("outbox_mail", args=[outbox])).content.decode()
    assert '<a href="http://localhost/x/"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page


def test_the_mails_own_html_can_only_be_shown_in_our_frame(client: Client, outbox: str, settings: Any) -> None:
    settings.DEBUG = True
    response = client.get(reverse("outbox_html", args=[outbox]))
    assert '<p style="color:red">' in response.content.decode()
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src 'none'" in policy


def test_an_empty_outbox_says_so(client: Client, settings: Any, tmp_path: Path, db: None) -> None:
    settings.DEBUG, settings.OUTBOX_DIR = True, tmp_path / "none"
    assert "No mail yet" in client.get(reverse("outbox")).content.decode()


def test_without_debug_there_is_no_outbox(client: Client, outbox: str) -> None:
    for url in (reverse("outbox"), *(reverse(name, args=[outbox]) for name in ("outbox_mail", "outbox_html"))):
        assert client.get(url).status_code == 404


def test_a_mail_that_is_not_there_is_not_found(client: Client, settings: Any, db: None) -> None:
    settings.DEBUG = True
    assert client.get(reverse("outbox_mail", args=[uuid.uuid4()])).status_code == 404
