"""A trial begins with a mail, and nobody learns from us who has an account."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Account, User
from apps.accounts.services import account_open
from apps.activity.models import Activity
from apps.core.scope import account_scope
from tests.cast import Cast

pytestmark = pytest.mark.database
FORM = {
    "account_name": "Nadia's Noodles",
    "name": "Nadia Nowak",
    "email": "Nadia@Noodles.example",
    "password1": "steam rises from the broth",
    "location": "de",
}


def link_in_the_mail(index: int = -1) -> str:
    found = re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[index].body)
    assert found, mail.outbox[index].body
    return found[1]


def sign_up(client: Client, **changes: str) -> None:
    response = client.post(reverse("account_signup"), {**FORM, **changes})
    assert response.status_code == 302, response.content.decode()
    assert response["Location"] == reverse("account_email_verification_sent")


def test_a_trial_account_is_opened_whole(client: Client, db: None, settings: Any) -> None:
    settings.BILLING = True
    sign_up(client)
    user = User.objects.get(email="nadia@noodles.example")
    membership = user.memberships.get()
    account = membership.account
    assert (account.name, account.location, account.state) == ("Nadia's Noodles", "de", "trial")
    assert account.trial_ends_at == account.created_at + timedelta(days=14)
    assert membership.role == Role.ADMINISTRATOR
    with account_scope(account.pk):
        row = Activity.objects.get(code="account.created")
        assert (row.actor_label, row.subject_id) == ("Nadia Nowak", account.public_id)


def test_the_mail_has_a_readable_text_and_a_page(client: Client, db: None) -> None:
    sign_up(client)
    (sent,) = mail.outbox
    assert sent.to == ["nadia@noodles.example"]
    assert sent.subject == "Activate your Everkeep account"
    assert "Hello Nadia Nowak" in sent.body
    html = sent.alternatives[0].content
    assert html.count(link_in_the_mail()) == 2
    assert "<script" not in html


def test_links_in_mails_lead_to_the_portal_whatever_host_was_asked(
    client: Client, db: None, settings: Any
) -> None:
    settings.PORTAL_URL = "https://portal.everkeep.example/"
    client.post(reverse("account_signup"), FORM, headers={"host": "evil.example"})
    client.post(
        reverse("account_reset_password"), {"email": "nobody@else.example"}, headers={"host": "evil.example"}
    )
    assert len(mail.outbox) == 2
    for sent in mail.outbox:
        assert "https://portal.everkeep.example/sign-up/" in sent.body
        assert "evil.example" not in sent.body + sent.alternatives[0].content


def test_nobody_signs_in_before_the_activation(client: Client, db: None) -> None:
    sign_up(client)
    response = client.post(reverse("account_login"), {"login": FORM["email"], "password": FORM["password1"]})
    assert response["Location"] == reverse("account_email_verification_sent")
    assert client.get(reverse("home")).status_code == 302


def test_the_link_asks_first_and_ends_on_the_sign_in_page(client: Client, db: None) -> None:
    sign_up(client)
    link = link_in_the_mail()
    page = client.get(link).content.decode()
    assert "Activate my account" in page
    assert not User.objects.get().emailaddress_set.get().verified, (
        "a mail filter that follows links activates nothing"
    )
    response = client.post(link, follow=True)
    assert response.redirect_chain[-1][0] == reverse("account_login")
    assert "Your address is confirmed" in response.content.decode()
    assert not response.wsgi_request.user.is_authenticated
    response = client.post(
        reverse("account_login"), {"login": "NADIA@noodles.example", "password": FORM["password1"]}
    )
    assert response["Location"] == reverse("home")
    assert client.get(reverse("home")).status_code == 200


def test_a_link_works_once_and_a_forged_one_never(client: Client, db: None) -> None:
    sign_up(client)
    link = link_in_the_mail()
    client.post(link)
    assert "This link has ended" in client.get(link).content.decode()
    assert "This link has ended" in client.get(link[:-4] + "abc/").content.decode()


def test_an_address_that_is_taken_gets_the_same_answer_and_another_mail(client: Client, cast: Cast) -> None:
    sign_up(client, email="new@noodles.example")
    fresh = client.get(reverse("account_email_verification_sent")).content
    other = Client()
    sign_up(other, email=cast.owner.email)
    taken = other.get(reverse("account_email_verification_sent")).content
    assert fresh == taken
    assert mail.outbox[-1].subject == "You already have an Everkeep account"
    assert User.objects.filter(email=cast.owner.email).count() == 1
    assert Account.objects.filter(name=FORM["account_name"]).count() == 1


def test_two_at_the_same_moment_make_one_account(client: Client, db: None) -> None:
    taken = {"account_name": "First", "location": "de", "name": "N", "email": FORM["email"], "password": "x"}
    with (
        patch("allauth.account.internal.flows.manage_email.assess_unique_email", return_value=True),
        transaction.atomic(),
    ):
        account_open(**taken)
        sign_up(client)
    assert User.objects.count() == Account.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("account_name", "", "required"),
        ("name", "win at https://casino.example", "no web address"),
        ("email", "not an address", "valid email"),
        ("password1", "pizza2026", "too short"),
        ("password1", "nadia@noodles.example", "too similar"),
        ("location", "", "required"),
        ("location", "mars", "valid choice"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(
    client: Client, db: None, field: str, value: str, words: str
) -> None:
    response = client.post(reverse("account_signup"), {**FORM, field: value})
    assert response.status_code == 200
    assert any(words in error for error in response.context["form"].errors[field])
    assert not User.objects.exists()
    assert not mail.outbox


def test_a_mail_server_that_is_down_is_said_and_the_mail_can_be_had_later(client: Client, db: None) -> None:
    with patch("django.core.mail.message.EmailMessage.send", side_effect=ConnectionRefusedError):
        response = client.post(reverse("account_signup"), FORM)
    assert response.status_code == 502
    assert "could not be sent" in response.content.decode()
    assert User.objects.exists()


def test_only_locations_with_a_store_are_offered(client: Client, db: None, settings: Any) -> None:
    settings.REGIONS = {"ie": "file:///somewhere", "jp": "file:///elsewhere"}
    page = client.get(reverse("account_signup")).content.decode()
    assert 'value="ie"' in page and 'value="jp"' in page and 'value="de"' not in page
    page = client.post(reverse("account_signup"), {**FORM, "location": "de"}).content.decode()
    assert "valid choice" in page
