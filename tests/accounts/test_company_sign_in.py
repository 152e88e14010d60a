"""Company sign-in: who gets in where, and what a session that a company opened can never reach."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import CompanyDomain, Membership, User
from apps.accounts.saml.arrivals import forget_old
from apps.accounts.saml.gate import OPEN, personal_routes
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.scope import account_scope
from tests.accounts.company import causes, come_in, deliver, start
from tests.cast import PASSWORD, Cast
from tests.fixtures.saml import Answer, config, make_provider

EMBED = "https://idp.pizza-perfecto.example/home/everkeep"


def test_a_member_comes_in_through_the_company(client: Client, company: Cast) -> None:
    asked = start(client, company, "/jobs/")
    done = deliver(client, Answer(company.account.public_id, company.viewer.email, asked), company.account)
    assert done["Location"] == "/jobs/"
    assert client.get("/").status_code == 200
    with account_scope(company.account.pk):
        assert SecurityEvent.objects.get(code="saml.signed_in").actor_label == "Vera Viewer"


def test_the_password_alone_opens_nothing_any_more(client: Client, company: Cast) -> None:
    tried = client.post(reverse("account_login"), {"login": company.viewer.email, "password": PASSWORD})
    assert tried["Location"] == reverse("saml_needed", args=[company.account.public_id])
    assert "_auth_user_id" not in client.session
    assert "at its own sign-in" in client.get(tried["Location"]).content.decode()


def test_a_session_from_before_has_to_come_through_the_company(client: Client, company: Cast) -> None:
    client.force_login(company.viewer)
    for page in ("home", "my_security", "job_list"):
        assert client.get(reverse(page))["Location"] == reverse("saml_needed", args=[company.account.public_id])
    part = client.get(reverse("job_list"), headers={"hx-request": "true"})
    assert part["HX-Redirect"] == reverse("saml_needed", args=[company.account.public_id])
    assert client.post(reverse("account_logout")).status_code == 302


def test_the_owner_can_still_break_the_glass_and_that_is_written_down(client: Client, company: Cast) -> None:
    client.post(reverse("account_login"), {"login": company.owner.email, "password": PASSWORD})
    assert client.get("/").status_code == 200
    with account_scope(company.account.pk):
        assert SecurityEvent.objects.filter(code="saml.owner_passed").count() == 1


def test_who_belongs_to_two_accounts_enters_the_other_one_by_password(client: Client, company: Cast) -> None:
    Membership.objects.create(account=company.other_account, user=company.viewer, role=Role.AUDITOR)
    client.post(reverse("account_login"), {"login": company.viewer.email, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(company.viewer.pk)
    assert client.get("/").status_code == 302
    session = client.session
    session["account"] = str(company.other_account.public_id)
    session.save()
    assert client.get("/").status_code == 200


# The main risk: whoever runs a provider can make it say any address.


def test_a_session_of_the_company_never_reaches_the_persons_other_account(
    client: Client, company: Cast
) -> None:
    Membership.objects.create(account=company.other_account, user=company.viewer, role=Role.ADMINISTRATOR)
    come_in(client, company, company.viewer)
    session = client.session
    session["account"] = str(company.other_account.public_id)
    session.save()
    assert client.get("/").wsgi_request.account == company.account  # type: ignore[attr-defined]
    assert company.other_account.name not in client.get("/").content.decode()


def test_a_provider_opens_nothing_for_who_is_no_member(client: Client, company: Cast) -> None:
    refused = come_in(client, company, company.stranger)
    assert refused.status_code == 403 and "_auth_user_id" not in client.session
    assert company.stranger.email not in refused.content.decode()
    assert causes(company) == ["no_member"]


def test_what_is_the_persons_own_is_shut_in_a_session_of_the_company(client: Client, company: Cast) -> None:
    """A provider that lies could otherwise add a passkey of its own, and come back as the person."""
    come_in(client, company, company.viewer)
    assert client.get(reverse("my_security")).status_code == 403
    assert {"my_security", "account_reset_password", "account_signup"} <= personal_routes()
    assert not personal_routes() & (OPEN | {"security", "home", "saml_set_up"})


def test_who_is_taken_out_of_the_account_is_signed_out_altogether(client: Client, company: Cast) -> None:
    come_in(client, company, company.viewer)
    company.viewer.memberships.all().delete()
    assert not client.get("/help/").wsgi_request.user.is_authenticated
    assert "_auth_user_id" not in client.session


def test_who_is_switched_off_stays_out(client: Client, company: Cast) -> None:
    User.objects.filter(pk=company.viewer.pk).update(is_active=False)
    assert come_in(client, company, company.viewer).status_code == 403
    assert causes(company) == ["switched_off"]


def test_a_good_answer_for_one_account_is_nothing_at_another(client: Client, company: Cast) -> None:
    make_provider(company.other_account)
    answer = Answer(company.account.public_id, company.stranger.email, start(client, company))
    assert deliver(client, answer, company.other_account).status_code == 403
    assert "_auth_user_id" not in client.session


def test_two_accounts_with_one_provider_do_not_share_questions(client: Client, company: Cast) -> None:
    make_provider(company.other_account)
    answer = Answer(company.other_account.public_id, company.stranger.email, start(client, company))
    assert deliver(client, answer, company.other_account).status_code == 403


# Browsers and questions.


def test_an_answer_is_good_for_the_browser_that_asked_alone(client: Client, company: Cast) -> None:
    answer = Answer(company.account.public_id, company.viewer.email, start(client, company))
    other = Client()
    assert deliver(other, answer, company.account).status_code == 403
    assert "_auth_user_id" not in other.session and causes(company) == ["other_browser"]


def test_an_answer_is_good_once(client: Client, company: Cast) -> None:
    asked = start(client, company)
    answer = Answer(company.account.public_id, company.viewer.email, asked, assertion_id="_same")
    assert deliver(client, answer, company.account).status_code == 302
    again = Answer(company.account.public_id, company.viewer.email, asked, assertion_id="_same")
    assert deliver(client, again, company.account).status_code == 403
    fresh_id = Answer(company.account.public_id, company.viewer.email, asked)
    assert deliver(client, fresh_id, company.account).status_code == 403
    assert causes(company) == ["replay", "other_browser"]


def test_a_question_grows_old(client: Client, company: Cast) -> None:
    answer = Answer(company.account.public_id, company.viewer.email, start(client, company))
    posted = Client().post(
        reverse("saml_acs", args=[company.account.public_id]), {"SAMLResponse": answer.posted()}
    )
    with clock.travel(clock.now() + timedelta(minutes=6)):
        assert client.get(posted["Location"]).status_code == 403
    assert causes(company) == ["too_late"]


def test_signing_in_leads_nowhere_else(client: Client, company: Cast) -> None:
    asked = start(client, company, "https://evil.example/")
    done = deliver(client, Answer(company.account.public_id, company.viewer.email, asked), company.account)
    assert done["Location"] == "/"


def test_the_session_is_a_new_one(client: Client, company: Cast) -> None:
    """Nobody's earlier session, and no name of a session that somebody knew before, lives on."""
    client.force_login(company.stranger)
    start(client, company)
    before = client.cookies["sessionid"].value
    come_in(client, company, company.viewer)
    assert client.cookies["sessionid"].value != before
    assert client.session["_auth_user_id"] == str(company.viewer.pk)


def test_it_ends_when_the_provider_says_so(client: Client, company: Cast) -> None:
    come_in(client, company, company.viewer)
    session = client.session
    session["saml_session"] = {**session["saml_session"], "until": clock.now().timestamp() - 1}
    session.save()
    assert client.get("/")["Location"] == reverse("account_login")
    assert "_auth_user_id" not in client.session


# Beginning at the provider.


def test_without_an_embed_link_nobody_begins_at_the_provider(client: Client, company: Cast) -> None:
    answer = Answer(company.account.public_id, company.viewer.email)
    assert deliver(client, answer, company.account).status_code == 403
    assert causes(company) == ["not_asked_for"]


def test_with_one_the_person_agrees_first_and_once(client: Client, cast: Cast) -> None:
    make_provider(cast.account, live=config(embed_link=EMBED).as_json())
    answer = Answer(cast.account.public_id, cast.viewer.email, assertion_id="_once")
    page = deliver(client, answer, cast.account)
    assert cast.viewer.email in page.content.decode() and "_auth_user_id" not in client.session
    address = page.wsgi_request.path
    assert Client(enforce_csrf_checks=True).post(address).status_code == 403
    assert client.post(address)["Location"] == "/"
    assert client.session["_auth_user_id"] == str(cast.viewer.pk)
    other = Client()
    assert other.post(address).status_code == 403
    again = Answer(cast.account.public_id, cast.viewer.email, assertion_id="_once")
    assert deliver(other, again, cast.account).status_code == 403
    assert causes(cast) == ["too_late", "replay"]


def test_used_assertions_are_remembered_as_long_as_they_could_be_used(company: Cast, client: Client) -> None:
    come_in(client, company, company.viewer)
    assert forget_old() == 0
    with clock.travel(clock.now() + timedelta(minutes=17)):
        assert forget_old() == 1


# New people.


def proved_domain(cast: Cast, domain: str = "pizza-perfecto.example") -> None:
    CompanyDomain.objects.create(account=cast.account, domain=domain, token="t", verified_at=clock.now())


def test_people_of_a_proved_domain_are_made_members_of_this_account_only(client: Client, cast: Cast) -> None:
    make_provider(cast.account, create_people=True, default_role=Role.RESTORE_OPERATOR)
    proved_domain(cast)
    come_in(client, cast, "nora.new@pizza-perfecto.example")
    nora = User.objects.get(email="nora.new@pizza-perfecto.example")
    rows = list(nora.memberships.values_list("account", "role", "is_owner"))
    assert rows == [(cast.account.pk, Role.RESTORE_OPERATOR, False)]
    assert not nora.has_usable_password() and client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("address", "why"),
    [("nora@elsewhere.example", "no_member"), ("sam@strange-sushi.example", "no_member")],
)
def test_addresses_of_other_domains_are_nobody(client: Client, cast: Cast, address: str, why: str) -> None:
    make_provider(cast.account, create_people=True)
    proved_domain(cast)
    before = cast.account.memberships.count()
    assert come_in(client, cast, address).status_code == 403
    assert causes(cast) == [why] and cast.account.memberships.count() == before


def test_somebody_who_is_known_elsewhere_has_to_be_invited(client: Client, cast: Cast) -> None:
    """Even with the domain proved: a person with accounts of their own is not taken into another unasked."""
    make_provider(cast.account, create_people=True)
    proved_domain(cast, "strange-sushi.example")
    assert come_in(client, cast, cast.stranger).status_code == 403
    assert causes(cast) == ["belongs_elsewhere"]


# Finding the way.


def find(email: str) -> Any:
    return Client().post(reverse("saml_find"), {"email": email})


def test_asking_for_the_way_tells_nothing_about_an_address(
    company: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    pages = []
    for email in (company.viewer.email, company.stranger.email, "nobody@nowhere.example"):
        with django_capture_on_commit_callbacks(execute=True):
            pages.append(find(email).content.decode().replace(email, "EMAIL"))
    assert pages[0] == pages[1] == pages[2]
    assert [message.to for message in mail.outbox] == [
        [company.viewer.email], [company.stranger.email], ["nobody@nowhere.example"]
    ]  # fmt: skip
    link = reverse("saml_start", args=[company.account.public_id])
    assert [link in str(message.body) for message in mail.outbox] == [True, False, False]


def test_a_proved_domain_leads_straight_on_whether_or_not_the_address_exists(company: Cast) -> None:
    proved_domain(company)
    for name in ("vera.viewer", "nobody"):
        answer = find(f"{name}@pizza-perfecto.example")
        assert answer["Refresh"] == f"0; url={reverse('saml_start', args=[company.account.public_id])}"
    assert not mail.outbox


def test_an_account_without_company_sign_in_looks_like_none(client: Client, cast: Cast) -> None:
    for account_id in (cast.account.public_id, uuid4()):
        assert client.get(reverse("saml_start", args=[account_id])).status_code == 404
        assert client.post(reverse("saml_acs", args=[account_id]), {}).status_code == 404
        assert client.get(reverse("saml_metadata", args=[account_id])).status_code == 200
