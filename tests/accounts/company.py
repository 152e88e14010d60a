"""What tests of company sign-in do as browser and as provider."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client
from django.urls import reverse
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from apps.accounts.models import User
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.fixtures.saml import SSO, Answer


def start(client: Client, cast: Cast, following: str = "") -> str:
    """Set off for the provider; returns the id of the request."""
    data = {"next": following} if following else {}
    away = client.get(reverse("saml_start", args=[cast.account.public_id]), data)["Location"]
    assert away.startswith(SSO)
    return request_id(away)


def request_id(away: str) -> str:
    asked = Utils.decode_base64_and_inflate(parse_qs(urlsplit(away).query)["SAMLRequest"][0]).decode()
    return re.search(r' ID="([^"]+)"', asked).group(1)  # type: ignore[union-attr]


def deliver(client: Client, answer: Answer, account: Any) -> Any:
    """Post the answer as another site does, without our cookies, then come for it with them."""
    posted = Client(enforce_csrf_checks=True).post(
        reverse("saml_acs", args=[account.public_id]), {"SAMLResponse": answer.posted()}
    )
    return client.get(posted["Location"]) if posted.status_code == 303 else posted


def come_in(client: Client, cast: Cast, user: User | str, **changed: Any) -> Any:
    address = user if isinstance(user, str) else user.email
    answer = Answer(cast.account.public_id, address, start(client, cast), **changed)
    return deliver(client, answer, cast.account)


def causes(cast: Cast) -> list[str]:
    with account_scope(cast.account.pk):
        rows = SecurityEvent.objects.filter(code="saml.refused").order_by("id")
        return [row.details["cause"] for row in rows]
