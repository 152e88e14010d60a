"""A passkey stands for the password only with finger, face or PIN, and only where it was asked to."""

import json
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from tests.cast import PASSWORD, Cast, prove_again
from tests.fixtures.passkeys import SoftPasskey

pytestmark = pytest.mark.database


@pytest.fixture
def key(client: Client, cast: Cast) -> SoftPasskey:
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    client.force_login(cast.owner)
    prove_again(client)
    options = json.loads(client.get(reverse("passkey_add")).context["options"])
    made = SoftPasskey()
    answer = client.post(
        reverse("passkey_add"), {"name": "Phone", "credential": json.dumps(made.made(options))}
    )
    assert answer.status_code == 302, answer.content.decode()
    return made


def signs_in(visitor: Client, answer: dict[str, Any]) -> bool:
    visitor.post(reverse("passkey_sign_in"), {"credential": json.dumps(answer)})
    return "_auth_user_id" in visitor.session


def test_a_passkey_signs_in_with_a_finger_and_not_without(key: SoftPasskey) -> None:
    for finger in (False, True):
        visitor = Client()
        options = visitor.get(reverse("passkey_sign_in")).json()
        assert signs_in(visitor, key.signed(options, finger=finger)) is finger


@pytest.mark.parametrize("finger", [True, False])
def test_what_the_second_factor_asked_is_no_sign_in(key: SoftPasskey, cast: Cast, finger: bool) -> None:
    visitor = Client()
    visitor.post(reverse("account_login"), {"login": cast.owner.email, "password": PASSWORD})
    options = json.loads(visitor.get(reverse("second_factor")).context["passkey"])
    assert options["publicKey"]["userVerification"] == "required"
    assert not signs_in(visitor, key.signed(options, finger=finger))
    answer = visitor.post(reverse("second_factor"), {"credential": json.dumps(key.signed(options))})
    assert answer["Location"] == reverse("home"), "it is good for what it was asked for"
