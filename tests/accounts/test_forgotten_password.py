"""The round trip to a new password (features ACC-09)."""

from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.services import account_take_over
from tests.accounts.test_sign_up import link_in_the_mail
from tests.cast import PASSWORD, Cast

NEW = "a lantern by the river"


def ask(client: Client, email: str) -> bytes:
    response = client.post(reverse("account_reset_password"), {"email": email}, follow=True)
    assert response.redirect_chain == [(reverse("account_reset_password_done"), 302)]
    return response.content


def test_a_new_password_is_set_and_the_old_one_ends(client: Client, cast: Cast) -> None:
    elsewhere = Client()
    elsewhere.force_login(cast.owner)
    ask(client, cast.owner.email)
    assert mail.outbox[-1].subject == "Set a new Everkeep password"
    form_page = client.get(link_in_the_mail(), follow=True)
    action = form_page.context["action_url"]
    response = client.post(action, {"password1": NEW, "password2": NEW}, follow=True)
    assert "Your password is changed" in response.content.decode()
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(NEW)
    assert not cast.owner.check_password(PASSWORD)
    assert elsewhere.get(reverse("home")).status_code == 302, "other devices are signed out"


def test_a_link_works_once(client: Client, cast: Cast) -> None:
    ask(client, cast.owner.email)
    link = link_in_the_mail()
    action = client.get(link, follow=True).context["action_url"]
    client.post(action, {"password1": NEW, "password2": NEW})
    assert "This link has ended" in Client().get(link, follow=True).content.decode()


def test_both_fields_must_be_the_same(client: Client, cast: Cast) -> None:
    ask(client, cast.owner.email)
    action = client.get(link_in_the_mail(), follow=True).context["action_url"]
    response = client.post(action, {"password1": NEW, "password2": NEW + "s"})
    assert "password2" in response.context["form"].errors
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(PASSWORD)


def test_an_unknown_address_gets_the_same_answer(cast: Cast) -> None:
    known, unknown = ask(Client(), cast.owner.email), ask(Client(), "nobody@else.example")
    assert known == unknown
    assert mail.outbox[-1].to == ["nobody@else.example"]
    assert mail.outbox[-1].subject == "No Everkeep account has this address"


def test_the_page_leads_to_sign_in_and_sign_up(client: Client, db: None) -> None:
    page = client.get(reverse("account_reset_password")).content.decode()
    assert reverse("account_login") in page
    assert reverse("account_signup") in page


def test_the_owner_of_a_vault_that_was_taken_over_gets_in_this_way(client: Client, cast: Cast) -> None:
    account, olga = account_take_over(public_id=None, name="Olga's", location="DE", email="Olga@example.org")
    ask(client, "olga@example.org")
    action = client.get(link_in_the_mail(), follow=True).context["action_url"]
    client.post(action, {"password1": NEW, "password2": NEW})
    signed_in = client.post(
        reverse("account_login"), {"login": "olga@example.org", "password": NEW}, follow=True
    )
    assert account.name in signed_in.content.decode().replace("&#x27;", "'")
    assert olga.memberships.get().is_owner
