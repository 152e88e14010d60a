"""Signing up and in at a provider, a real OpenID Connect server: who it names gets in, and nobody else."""

from typing import Any

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.social.configured import Configured
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope
from tests.accounts.test_second_factor import code_of
from tests.cast import Cast
from tests.fixtures.oidc import OidcServer, Traveller, asked, changed
from tests.servers import free_port

pytestmark = [pytest.mark.database, pytest.mark.server]
FORM = {"account_name": "Nadia's Noodles", "name": "Nadia Nowak", "location": "de"}
ADDRESS = "nadia@noodles.example"


@pytest.fixture
def nadia(oidc: OidcServer) -> str:
    return oidc.person("nadia", email=ADDRESS, email_verified=True, name="Nadia Nowak")


def sign_up(traveller: Traveller, subject: str, **form: str) -> User:
    assert traveller.arrive(subject)["Location"] == reverse("provider_sign_up")
    answer = traveller.portal.post(reverse("provider_sign_up"), {**FORM, **form})
    assert answer.status_code == 302, answer.content.decode()
    return User.objects.latest("pk")


def signed_in(client: Client) -> int | None:
    number = client.session.get("_auth_user_id")
    return int(number) if number else None


def shows(answer: Any, words: str, status: int) -> None:
    """A calm page of ours, with a way on and a reference."""
    page = answer.content.decode()
    assert (answer.status_code, words in page) == (status, True), page
    assert "Reference:" in page


def test_who_signs_up_at_a_provider_is_in_at_once_without_a_mail(traveller: Traveller, nadia: str) -> None:
    user = sign_up(traveller, nadia)
    assert signed_in(traveller.portal) == user.pk
    assert traveller.portal.get(reverse("home")).status_code == 200
    assert (user.email, user.name, user.has_usable_password()) == (ADDRESS, "Nadia Nowak", False)
    assert EmailAddress.objects.get(user=user).verified
    assert mail.outbox == []
    membership = user.memberships.get()
    assert membership.is_owner and membership.account.state == "trial"
    with account_scope(membership.account_id):
        event = SecurityEvent.objects.get(code="identity.linked")
        assert (event.actor_id, event.details) == (user.pk, {"provider": "google"})


def test_the_form_asks_only_what_the_provider_does_not_know(traveller: Traveller, nadia: str) -> None:
    traveller.arrive(nadia)
    page = traveller.portal.get(reverse("provider_sign_up")).content.decode()
    assert ADDRESS in page and 'value="Nadia Nowak"' in page
    assert 'name="email"' not in page and "password" not in page.split("<main")[1].split("</main>")[0]
    traveller.portal.post(
        reverse("provider_sign_up"), {**FORM, "email": "olivia.romano@pizza-perfecto.example"}
    )
    assert User.objects.get().email == ADDRESS


def test_the_next_time_they_are_in_with_a_click_and_a_new_session(traveller: Traveller, nadia: str) -> None:
    user = sign_up(traveller, nadia)
    other = Traveller(Client())
    url = other.leave(next="/jobs/")
    before = other.portal.cookies["sessionid"].value
    assert other.back(other.decide(url, nadia))["Location"] == "/jobs/"
    assert signed_in(other.portal) == user.pk
    assert other.portal.cookies["sessionid"].value != before
    assert SocialAccount.objects.get().last_login > SocialAccount.objects.get().date_joined


def test_nobody_is_led_away_afterwards(traveller: Traveller, nadia: str) -> None:
    sign_up(traveller, nadia)
    for address in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        assert Traveller(Client()).arrive(nadia, next=address)["Location"] == reverse("home")


def test_a_renamed_person_is_the_same_and_a_new_one_with_the_old_address_is_not(
    traveller: Traveller, oidc: OidcServer, nadia: str
) -> None:
    """What a provider calls somebody may pass on to somebody else; the subject never does."""
    user = sign_up(traveller, nadia)
    oidc.person(nadia, email="n.nowak@noodles.example", email_verified=True)
    again = Traveller(Client())
    again.arrive(nadia)
    assert signed_in(again.portal) == user.pk
    assert SocialAccount.objects.get().extra_data["email"] == "n.nowak@noodles.example"
    heir = Traveller(Client())
    answer = heir.arrive(oidc.person("heir", email=ADDRESS, email_verified=True))
    assert answer.status_code == 409 and signed_in(heir.portal) is None


def test_the_same_subject_of_another_issuer_is_another_person(
    traveller: Traveller, nadia: str, oidc: Any
) -> None:
    sign_up(traveller, nadia)
    row = SocialAccount.objects.get()
    assert row.uid == f"{oidc.url}|nadia"
    SocialAccount.objects.update(uid="https://login.other.example|nadia")
    stranger = Traveller(Client())
    assert stranger.arrive(nadia).status_code == 409
    assert signed_in(stranger.portal) is None


def test_an_address_with_a_password_is_never_linked_by_itself(
    traveller: Traveller, oidc: OidcServer, cast: Cast
) -> None:
    answer = traveller.arrive(oidc.person("olivia", email=cast.owner.email.upper(), email_verified=True))
    assert answer.status_code == 409 and "You are here already" in answer.content.decode()
    assert signed_in(traveller.portal) is None
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("told", [False, "false", None, "", 0, "yes"])
def test_an_address_that_is_not_proved_gets_a_mail_and_tells_nothing(
    traveller: Traveller, oidc: OidcServer, cast: Cast, told: object
) -> None:
    """Who may write any address into their directory learns nothing by it and binds nobody (nOAuth)."""
    answers = []
    for number, email in enumerate(("free@noodles.example", cast.owner.email)):
        visitor = Traveller(Client())
        answer = visitor.arrive(oidc.person(f"mallory-{number}", email=email, email_verified=told))
        assert answer["Location"] == reverse("provider_sign_up")
        assert f'value="{email}"' in visitor.portal.get(reverse("provider_sign_up")).content.decode()
        answer = visitor.portal.post(reverse("provider_sign_up"), {**FORM, "email": email})
        assert answer["Location"] == reverse("account_email_verification_sent")
        answers.append(visitor.portal.get(answer["Location"]).content)
        assert signed_in(visitor.portal) is None
    assert answers[0] == answers[1]
    assert [sent.subject for sent in mail.outbox] == [
        "Activate your Everkeep account",
        "You already have an Everkeep account",
    ]
    assert not SocialAccount.objects.filter(user=cast.owner).exists()


def test_microsofts_word_on_an_address_counts_only_for_a_proved_domain(
    traveller: Traveller, oidc: OidcServer
) -> None:
    cases = {"told": {"email_verified": True}, "proved": {"xms_edov": True}, "number": {"xms_edov": "1"}}
    proved = {}
    for name, claims in cases.items():
        oidc.person(name, oid=f"oid-{name}", tid="t", email=f"{name}@x.example", **claims)
        visitor = Traveller(Client(), key="microsoft")
        visitor.arrive(name)
        proved[name] = visitor.portal.session["pending_identity"]["identity"]["verified"]
        assert visitor.portal.session["pending_identity"]["identity"]["subject"] == f"oid-{name}"
    assert proved == {"told": False, "proved": True, "number": True}


# What does not belong to this attempt.


def test_a_state_of_another_session_or_none_gets_nowhere(traveller: Traveller, nadia: str) -> None:
    """Login CSRF: an answer that was made for the attacker's browser, followed by the victim's."""
    sign_up(traveller, nadia)
    attacker, victim = Traveller(Client()), Traveller(Client())
    way_back = attacker.decide(attacker.leave(), nadia)
    victim.leave()
    for url in (
        way_back,
        changed(way_back, state="made-up"),
        way_back.split("&state")[0],
        changed(way_back, state=""),
    ):
        shows(victim.back(url), "belongs to no attempt of yours", 400)
    assert signed_in(victim.portal) is None


def test_a_state_of_one_provider_is_nothing_at_another(traveller: Traveller, nadia: str) -> None:
    way_back = traveller.decide(traveller.leave(), nadia)
    shows(traveller.back(way_back.replace("/google/", "/okta/")), "belongs to no attempt", 400)


def test_an_answer_works_once(traveller: Traveller, nadia: str) -> None:
    sign_up(traveller, nadia)
    again = Traveller(Client())
    way_back = again.decide(again.leave(), nadia)
    assert again.back(way_back)["Location"] == reverse("home")
    shows(again.back(way_back), "belongs to no attempt", 400)


def test_a_code_that_was_used_before_gets_nobody_in(traveller: Traveller, nadia: str) -> None:
    sign_up(traveller, nadia)
    first, second = Traveller(Client()), Traveller(Client())
    used = first.decide(first.leave(), nadia)
    first.back(used)
    state = asked(second.leave())["state"]
    shows(second.back(changed(used, state=state)), "belongs to no attempt", 400)
    assert signed_in(second.portal) is None


def test_somebody_elses_code_under_my_state_gets_nobody_in(traveller: Traveller, nadia: str) -> None:
    """Code injection: the nonce in the token is the other session's."""
    sign_up(traveller, nadia)
    stolen = asked(traveller_code(nadia))["code"]
    thief = Traveller(Client())
    state = asked(thief.leave())["state"]
    shows(
        thief.back(f"{reverse('provider_back', args=['google'])}?code={stolen}&state={state}"),
        "no attempt",
        400,
    )
    assert signed_in(thief.portal) is None


def traveller_code(subject: str) -> str:
    other = Traveller(Client())
    return other.decide(other.leave(), subject)


def test_a_changed_nonce_is_noticed(traveller: Traveller, nadia: str) -> None:
    way_back = traveller.decide(changed(traveller.leave(), nonce="another"), nadia)
    shows(traveller.back(way_back), "belongs to no attempt", 400)
    assert "pending_identity" not in traveller.portal.session


def test_a_token_for_another_client_is_refused(traveller: Traveller, nadia: str) -> None:
    way_back = traveller.decide(changed(traveller.leave(), client_id="somebody-else"), nadia)
    shows(traveller.back(way_back), "belongs to no attempt", 400)


def test_the_way_out_asks_for_a_code_with_proof_and_takes_nothing_from_the_address_line(
    client: Client, oidc: OidcServer, db: None
) -> None:
    start = reverse("provider_sign_in", args=["google"])
    query = "?auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example&scope=admin&process=connect"
    sent = asked(Traveller(client).leave(start + query))
    assert sent["redirect_uri"] == f"http://localhost:8000{reverse('provider_back', args=['google'])}"
    assert set(sent["scope"].split()) == {"openid", "profile", "email"}
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert len(sent["code_challenge"]) == 43 and len(sent["nonce"]) == 32 and len(sent["state"]) == 16


def test_nothing_starts_by_following_a_link(client: Client, oidc: OidcServer, cast: Cast) -> None:
    start = reverse("provider_sign_in", args=["google"])
    assert client.get(start).status_code == 405
    assert Client(enforce_csrf_checks=True).post(start).status_code == 403
    client.force_login(cast.owner)
    assert client.get(reverse("identity_link", args=["google"])).status_code == 405


def test_turning_back_is_said_calmly(traveller: Traveller, nadia: str) -> None:
    answer = traveller.back(
        traveller.decide(traveller.leave(), nadia, action="deny") + f"&state={last_state(traveller)}"
    )
    assert answer["Location"] == reverse("account_login")
    assert "You turned back at Google" in traveller.portal.get(answer["Location"]).content.decode()


def last_state(traveller: Traveller) -> str:
    return list(traveller.portal.session["socialaccount_states"])[-1]


def test_what_a_provider_says_is_wrong_is_not_read_out(traveller: Traveller, nadia: str) -> None:
    traveller.leave()
    url = f"{reverse('provider_back', args=['google'])}?error=server_error&error_description=Call+0900&state="
    answer = traveller.back(url + last_state(traveller))
    shows(answer, "Google refused the sign-in", 400)
    assert "Call 0900" not in answer.content.decode()


def test_a_provider_that_does_not_answer_is_named(client: Client, settings: Any, db: None) -> None:
    cache.clear()
    settings.SIGN_IN_PROVIDERS = {"okta": Configured("id", "secret", f"http://127.0.0.1:{free_port()}")}
    shows(client.post(reverse("provider_sign_in", args=["okta"])), "Okta does not answer", 502)


def test_a_provider_that_speaks_for_another_address_is_not_believed(
    client: Client, settings: Any, db: None, oidc: OidcServer
) -> None:
    cache.clear()
    settings.SIGN_IN_PROVIDERS = {
        "okta": Configured("id", "secret", oidc.url.replace("127.0.0.1", "localhost"))
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "requests.Session.get",
            lambda *a, **k: httpx.Response(
                200, json={"issuer": "https://evil.example"}, request=httpx.Request("GET", "http://x")
            ),
        )
        shows(client.post(reverse("provider_sign_in", args=["okta"])), "calls itself by another address", 502)


def test_a_person_who_is_switched_off_stays_out(traveller: Traveller, nadia: str) -> None:
    user = sign_up(traveller, nadia)
    User.objects.filter(pk=user.pk).update(is_active=False)
    again = Traveller(Client())
    assert again.arrive(nadia)["Location"] == reverse("account_inactive")
    assert signed_in(again.portal) is None


def test_only_configured_providers_have_a_button_and_an_address(
    client: Client, settings: Any, db: None
) -> None:
    settings.SIGN_IN_PROVIDERS = {"okta": Configured("id", "secret", "https://company.okta.example")}
    for name, forms in (("account_login", 3), ("account_signup", 2)):
        page = client.get(reverse(name), {"next": "/jobs/"}).content.decode()
        assert reverse("provider_sign_in", args=["okta"]) in page and page.count('value="/jobs/"') == forms
        assert "Microsoft" not in page.split("<main")[1]
    assert client.post(reverse("provider_sign_in", args=["google"])).status_code == 404
    settings.SIGN_IN_PROVIDERS = {}
    assert "ek-idps" not in client.get(reverse("account_login")).content.decode()


def test_the_form_is_only_for_who_came_from_a_provider(client: Client, db: None) -> None:
    assert client.get(reverse("provider_sign_up"))["Location"] == reverse("account_signup")


def test_a_second_factor_is_asked_for_after_the_provider_too(traveller: Traveller, nadia: str) -> None:
    user = sign_up(traveller, nadia)
    traveller.portal.post(reverse("second_factor_setup"), {"begin": "1"})
    traveller.portal.post(reverse("second_factor_setup"), {"code": code_of(user)})
    again = Traveller(Client())
    assert again.arrive(nadia)["Location"] == reverse("second_factor")
    assert signed_in(again.portal) is None
    again.portal.post(reverse("second_factor"), {"code": code_of(user)})
    assert signed_in(again.portal) == user.pk
