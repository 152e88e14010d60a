"""Identities at sign-in providers: linked with a fresh proof, seen and unlinked by their person alone."""

import time
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts import sudo
from apps.accounts.models import User
from apps.accounts.social.configured import Configured
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope
from tests.cast import Cast, prove_again
from tests.fixtures.oidc import OidcServer, Traveller, changed

pytestmark = [pytest.mark.database, pytest.mark.server]
LINK = "/me/identities/link/google/"


@pytest.fixture
def olivia(client: Client, cast: Cast, oidc: OidcServer) -> Traveller:
    """The owner, signed in with her password a moment ago."""
    oidc.person("olivia", email="olivia@gmail.example", email_verified=True)
    client.force_login(cast.owner)
    prove_again(client)
    return Traveller(client)


def events(cast: Cast) -> list[str]:
    with account_scope(cast.account.pk):
        rows = SecurityEvent.objects.filter(code__startswith="identity.").order_by("pk")
        return list(rows.values_list("code", flat=True))


def unlink(client: Client, row: SocialAccount) -> Any:
    return client.post(reverse("identity_unlink", args=[row.pk]), follow=True)


def test_a_linked_identity_is_shown_mailed_audited_and_lets_its_person_in(
    olivia: Traveller, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert olivia.arrive("olivia", LINK)["Location"] == reverse("my_security")
    page = olivia.portal.get(reverse("my_security")).content.decode()
    assert "olivia@gmail.example" in page and "You can sign in with Google from now on." in page
    assert events(cast) == ["identity.linked"]
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([cast.owner.email], "Google now lets you into Everkeep")
    row = SocialAccount.objects.get()
    assert row.extra_data == {
        "issuer": row.uid.split("|")[0],
        "subject": "olivia",
        "email": "olivia@gmail.example",
        "name": "",
    }
    again = Traveller(Client())
    cast.owner.emailaddress_set.create(email=cast.owner.email, verified=True, primary=True)
    assert again.arrive("olivia")["Location"] == reverse("home")
    assert int(again.portal.session["_auth_user_id"]) == cast.owner.pk


def test_linking_and_unlinking_want_a_fresh_proof(client: Client, cast: Cast, oidc: OidcServer) -> None:
    client.force_login(cast.owner)
    row = SocialAccount.objects.create(user=cast.owner, provider="google", uid="x|olivia")
    for address in (LINK, reverse("identity_unlink", args=[row.pk])):
        assert client.post(address)["Location"].startswith(reverse("sudo"))
    assert SocialAccount.objects.count() == 1


def test_an_identity_of_somebody_else_is_not_linked_and_the_attempt_is_written_down(
    olivia: Traveller, cast: Cast
) -> None:
    olivia.arrive("olivia", LINK)
    row = SocialAccount.objects.get()
    SocialAccount.objects.update(user=cast.stranger)
    answer = olivia.arrive("olivia", LINK)
    assert (
        answer.status_code == 409
        and "Somebody else signs in here with this Google account" in answer.content.decode()
    )
    assert SocialAccount.objects.get().user == cast.stranger and SocialAccount.objects.get().pk == row.pk
    assert events(cast) == ["identity.linked", "identity.refused"]


def test_linking_the_same_again_changes_nothing(olivia: Traveller, cast: Cast) -> None:
    olivia.arrive("olivia", LINK)
    assert "You sign in with this Google account already" in olivia.arrive("olivia", LINK).content.decode()
    assert events(cast) == ["identity.linked"]


def test_a_link_that_one_person_began_is_not_finished_by_another(olivia: Traveller, cast: Cast) -> None:
    way_back = olivia.decide(olivia.leave(LINK), "olivia")
    states = olivia.portal.session["socialaccount_states"]
    olivia.portal.force_login(cast.operator)
    session = olivia.portal.session
    session["socialaccount_states"] = states
    session.save()
    assert olivia.back(way_back).status_code == 400
    assert not SocialAccount.objects.exists()


def test_nobody_unlinks_or_sees_anothers(olivia: Traveller, cast: Cast) -> None:
    row = SocialAccount.objects.create(
        user=cast.stranger, provider="google", uid="x|sam", extra_data={"email": "sam@gmail.example"}
    )
    assert unlink(olivia.portal, row).status_code == 404
    assert "sam@gmail.example" not in olivia.portal.get(reverse("my_security")).content.decode()
    assert SocialAccount.objects.count() == 1


def test_an_unlinked_identity_is_a_strangers(
    olivia: Traveller, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    olivia.arrive("olivia", LINK)
    with django_capture_on_commit_callbacks(execute=True):
        page = unlink(olivia.portal, SocialAccount.objects.get()).content.decode()
    assert "Unlinked" in page and "None yet." in page
    assert events(cast) == ["identity.linked", "identity.unlinked"]
    assert mail.outbox[-1].subject == "Google no longer lets you into Everkeep"
    again = Traveller(Client())
    assert again.arrive("olivia")["Location"] == reverse("provider_sign_up")


def test_the_last_way_in_stays(olivia: Traveller, cast: Cast, settings: Any) -> None:
    olivia.arrive("olivia", LINK)
    row = SocialAccount.objects.get()
    User.objects.filter(pk=cast.owner.pk).update(password="!")
    olivia.portal.force_login(cast.owner.__class__.objects.get(pk=cast.owner.pk))
    session = olivia.portal.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": time.time()}]
    session["account_authentication_methods_user"] = str(cast.owner.pk)
    session.save()
    page = olivia.portal.get(reverse("my_security")).content.decode()
    assert "disabled>Unlink" in page and reverse("account_reset_password") in page
    assert "This is your only way in" in unlink(olivia.portal, row).content.decode()
    other = SocialAccount.objects.create(user=cast.owner, provider="okta", uid="x|olivia")
    settings.SIGN_IN_PROVIDERS = {"google": Configured("id", "secret", "https://accounts.google.com")}
    assert "This is your only way in" in unlink(olivia.portal, row).content.decode(), (
        "Okta is not offered any more"
    )
    assert "Unlinked" in unlink(olivia.portal, other).content.decode()
    assert SocialAccount.objects.get() == row


# The proof that dangerous acts ask for (accounts.sudo), for who has no password.


@pytest.fixture
def unproved(client: Client, cast: Cast, oidc: OidcServer) -> Traveller:
    """The owner at a session that has been open for long; she signs in at Okta."""
    SocialAccount.objects.create(user=cast.owner, provider="okta", uid=f"{oidc.url}|olivia")
    client.force_login(cast.owner)
    return Traveller(client, key="okta")


def prove(traveller: Traveller, subject: str) -> Any:
    address = traveller.portal.get(reverse("provider_prove", args=["okta"]), {"next": "/jobs/"})["Location"]
    assert "prompt=login" in address and "max_age=0" in address
    return traveller.back(traveller.decide(address, subject))


def test_a_fresh_sign_in_at_the_provider_is_a_proof(unproved: Traveller, oidc: OidcServer) -> None:
    assert "Prove it at Okta" in unproved.portal.get(reverse("sudo")).content.decode()
    assert not sudo.is_fresh(unproved.portal.get("/").wsgi_request)
    oidc.person("olivia", auth_time=int(time.time()))
    assert prove(unproved, "olivia")["Location"] == "/jobs/"
    assert sudo.is_fresh(unproved.portal.get("/").wsgi_request)


@pytest.mark.parametrize("ago", [3600, -3600, None])
def test_an_old_sign_in_there_proves_nothing(unproved: Traveller, oidc: OidcServer, ago: int | None) -> None:
    """Who sits at an open session takes `prompt=login` out of the address line."""
    oidc.person("olivia", auth_time="just now" if ago is None else int(time.time()) - ago)
    assert "did not ask you anew" in prove(unproved, "olivia").content.decode()
    assert not sudo.is_fresh(unproved.portal.get("/").wsgi_request)


def test_somebody_elses_identity_proves_nothing(unproved: Traveller, oidc: OidcServer) -> None:
    oidc.person("oskar", auth_time=int(time.time()))
    assert prove(unproved, "oskar").status_code == 403
    assert not sudo.is_fresh(unproved.portal.get("/").wsgi_request)


def test_a_way_back_is_for_what_it_was_begun_for(olivia: Traveller) -> None:
    """The state, not the address line, says whether this links or signs in."""
    way_back = olivia.decide(olivia.leave(LINK), "olivia")
    olivia.back(changed(way_back, process="login"))
    assert SocialAccount.objects.get().uid.endswith("|olivia")
