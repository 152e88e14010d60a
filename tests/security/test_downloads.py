"""Names of downloads come from strangers' mails: they end no header, leave no folder and name no page."""

from email.message import EmailMessage
from urllib.parse import quote, unquote

import pytest
from django.test import Client
from django.urls import reverse

from apps.backups.selectors.browse import node_key
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.recovery.factories import Mailbox, make_entity, store
from tests.security.answers import faults_of

pytestmark = pytest.mark.database
HOSTILE = [
    "a\r\nSet-Cookie: sessionid=mine\r\n\r\n<script>alert(1)</script>.html",
    'a"; filename="evil.html',
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\cmd.exe",
    "CON",
    "invoice\u202efdp.exe",
    "Rechnung für Zoë 🍕.pdf",
    "\x00\x1b[2J",
    " . ",
    "x" * 500,
]


def letter_with(name: str) -> bytes:
    """A mail whose subject and whose attachment have this name, as far as a mail can say it."""
    message = EmailMessage()
    message["Subject"] = " ".join(name.split()) or "."
    message.set_content("Hello")
    message.add_attachment(b"data", maintype="text", subtype="html", filename="NAME")
    encoded = f"filename*=utf-8''{quote(name)}".encode()
    return message.as_bytes().replace(b'filename="NAME"', encoded)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(client: Client, cast: Cast, name: str) -> None:
    data = letter_with(name)
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        subject = name.replace("\x00", "")  # connectors hand none over: PostgreSQL keeps none
        box.item("m1", "inbox", subject, content=store(data), size=len(data), has_attachments=True)
        day = box.day().public_id
    client.force_login(cast.owner)
    for route, args in (("recovery_message", []), ("recovery_attachment", [1])):
        answer = client.get(reverse(route, args=[day, node_key("m1"), *args]))
        assert answer.status_code == 200 and faults_of(route, answer) == []
        said = answer["Content-Disposition"]
        shown = (
            unquote(said.partition("''")[2]) if "''" in said else said.partition('filename="')[2].rstrip('"')
        )
        assert shown and len(shown) < 205 and shown not in (".", "..")
        assert not set(shown) & set('/\\"\r\n\t\0\x1b\u202e<>'), said
        assert "Set-Cookie" not in answer.headers and answer["Content-Type"] == "application/octet-stream"
