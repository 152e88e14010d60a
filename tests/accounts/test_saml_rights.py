"""Company sign-in: who may set it up, whom its provider may never be, and that nobody is shut out."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import AccountState, Role
from apps.accounts.models import (
    Account,
    Membership,
    PartnerCustomer,
    PartnerMembership,
    SamlProvider,
    TotpDevice,
    User,
)
from apps.activity.models import SecurityEvent
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from tests.accounts.company import causes, come_in, request_id
from tests.cast import PASSWORD, Cast, prove_again, with_factor
from tests.fixtures.saml import SSO, Answer, config, make_provider, metadata_xml, signer

SET_UP = (
    "saml_set_up", "saml_test", "saml_activate", "saml_discard", "saml_switch_off", "saml_rules",
    "saml_domain_add",
)  # fmt: skip


@pytest.fixture
def company(cast: Cast) -> Cast:
    """Pizza Perfecto signs its people in by itself, and asks for Everkeep's second factor too."""
    make_provider(cast.account, ask_second_factor=True)
    for user in User.objects.all():
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return cast


def by_password(client: Client, user: User) -> None:
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})


def passkey_of(user: User) -> None:
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})


# Whoever sets a provider up can make it say any address.


def test_no_provider_makes_anybody_the_owner(client: Client, company: Cast) -> None:
    assert come_in(client, company, company.owner).status_code == 403
    assert causes(company) == ["owner"] and "_auth_user_id" not in client.session


def test_what_is_the_owners_alone_is_shut_in_a_session_of_the_company(client: Client, cast: Cast) -> None:
    """Who becomes the owner while the company's session is open needs one of their own."""
    make_provider(cast.account)
    come_in(client, cast, cast.viewer)
    Membership.objects.filter(user=cast.owner).update(is_owner=False)
    Membership.objects.filter(user=cast.viewer).update(is_owner=True, role=Role.ADMINISTRATOR)
    page = client.post(reverse("account_remove"))
    assert page.status_code == 403 and "your own password" in page.content.decode()
    assert client.get(reverse("security")).status_code == 200


@pytest.mark.parametrize("name", SET_UP)
def test_no_guest_sets_it_up(client: Client, cast: Cast, name: str) -> None:
    PartnerCustomer.objects.filter(account=cast.account).update(role=Role.ADMINISTRATOR)
    client.force_login(cast.partner)
    relation = PartnerCustomer.objects.get(account=cast.account)
    client.post(reverse("partner_enter", args=[relation.public_id]))
    with patch("apps.accounts.sudo.is_fresh", return_value=True):
        answer = client.get(reverse(name)) if name == "saml_test" else client.post(reverse(name), {})
    assert answer.status_code == 403
    page = client.get(reverse("security"))
    assert page.status_code == 200 and "Test and activate" not in page.content.decode()


def test_only_administrators_set_it_up(client: Client, cast: Cast) -> None:
    """The right to the account's settings could otherwise be made into every other right."""
    Membership.objects.filter(user=cast.custom).update(extra_permissions=[Permission.ACCOUNT_SETTINGS.value])
    client.force_login(cast.custom)
    prove_again(client)
    for name in SET_UP:
        answer = client.get(reverse(name)) if name == "saml_test" else client.post(reverse(name), {})
        assert answer.status_code == 403, name
    assert "Test and activate" not in client.get(reverse("security")).content.decode()


def test_a_test_counts_for_the_very_set_up_that_was_judged(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    prove_again(client)
    client.post(reverse("saml_set_up"), {"source": metadata_xml(), "embed_link": ""})
    asked = request_id(client.get(reverse("saml_test"))["Location"])
    answer = Answer(cast.account.public_id, cast.owner.email, asked)
    arrived = Client().post(
        reverse("saml_acs", args=[cast.account.public_id]), {"SAMLResponse": answer.posted()}
    )
    with account_scope(cast.account.pk):
        SamlProvider.objects.update(draft=config(signer("other")).as_json())
    assert client.get(arrived["Location"]).status_code == 409
    assert client.post(reverse("saml_activate")).status_code == 409


# The second factor.


def test_who_has_a_passkey_gives_it_and_sets_up_nothing_instead(client: Client, company: Cast) -> None:
    """A provider that lies could otherwise set an app up, and call that the second factor."""
    passkey_of(company.viewer)
    come_in(client, company, company.viewer)
    assert client.get("/")["Location"].startswith(reverse("sudo"))
    assert client.get(reverse("second_factor_setup")).status_code == 403


def test_the_same_holds_where_the_account_demands_it(client: Client, cast: Cast) -> None:
    Account.objects.filter(pk=cast.account.pk).update(second_factor_required=True)
    passkey_of(cast.viewer)
    client.force_login(cast.viewer)
    with patch("apps.accounts.sudo.is_fresh", return_value=True):
        for name in ("second_factor_setup", "passkey_add"):
            assert client.get(reverse(name)).status_code == 302


def test_a_company_cannot_choose_the_factor_of_staff(client: Client, company: Cast) -> None:
    User.objects.filter(pk=company.viewer.pk).update(is_platform_staff=True)
    come_in(client, company, company.viewer)
    assert client.get(reverse("second_factor_setup")).status_code == 403


def test_an_old_session_can_be_proved_at_the_company_when_it_asks_for_nothing_more(
    client: Client, cast: Cast
) -> None:
    make_provider(cast.account)
    Account.objects.filter(pk=cast.account.pk).update(second_factor_required=True)
    TotpDevice.objects.create(user=cast.viewer, name="App", confirmed=True, sealed_key=b"x")
    come_in(client, cast, cast.viewer, authenticated=timedelta(hours=-2))
    assert "Confirm at your company" in client.get(reverse("sudo")).content.decode()


def test_a_session_of_the_company_is_offered_no_provider_of_the_persons_own(client: Client, cast: Cast) -> None:
    SocialAccount.objects.create(user=cast.viewer, provider="okta", uid="vera")
    client.force_login(cast.viewer)
    assert "Prove it at Okta" in client.get(reverse("sudo")).content.decode()
    make_provider(cast.account)
    come_in(client, cast, cast.viewer, authenticated=timedelta(hours=-2))
    page = client.get(reverse("sudo")).content.decode()
    assert "Confirm at your company" in page and "Okta" not in page


def test_who_has_no_factor_yet_proves_themselves_at_the_company_before_setting_one_up(
    client: Client, company: Cast
) -> None:
    User.objects.filter(pk=company.viewer.pk).update(password="!")
    come_in(client, company, company.viewer, authenticated=timedelta(hours=-2))
    asked = client.get(reverse("second_factor_setup"))["Location"]
    assert asked.startswith(reverse("sudo")) and "Confirm at your company" in client.get(asked).content.decode()
    away = client.get(reverse("saml_confirm"), {"next": reverse("second_factor_setup")})["Location"]
    assert away.startswith(SSO)
    fresh = Answer(company.account.public_id, company.viewer.email, request_id(away))
    arrived = Client().post(
        reverse("saml_acs", args=[company.account.public_id]), {"SAMLResponse": fresh.posted()}
    )
    assert client.get(arrived["Location"])["Location"] == reverse("second_factor_setup")
    assert client.get(reverse("second_factor_setup")).status_code == 200


# Nobody is shut out by mistake.


def test_an_account_that_is_being_deleted_sends_nobody_in_circles(client: Client, cast: Cast) -> None:
    make_provider(cast.account)
    Account.objects.filter(pk=cast.account.pk).update(state=AccountState.ENDING)
    client.force_login(cast.viewer)
    assert client.get("/", follow=True).status_code == 200
    assert client.post(reverse("account_switch"), {"account": "x"}).status_code != 403
    come_in(client, cast, cast.viewer)
    state = client.get("/", follow=True)
    assert state.status_code == 200 and state.wsgi_request.path == reverse("account_state")


@pytest.mark.parametrize("side", ["staff", "partner"])
def test_partners_and_staff_do_their_own_work_but_do_not_enter_the_account(
    client: Client, company: Cast, side: str
) -> None:
    if side == "staff":
        User.objects.filter(pk=company.viewer.pk).update(is_platform_staff=True)
    else:
        seat = PartnerMembership.objects.get(user=company.partner)
        PartnerMembership.objects.create(partner=seat.partner, user=company.viewer)
    by_password(client, company.viewer)
    if side == "staff":
        assert client.get(client.get(reverse(side))["Location"]).status_code == 200, "to set a factor up"
        with_factor(client, company.viewer)
    assert client.get(reverse(side)).status_code == 200
    needed = reverse("saml_needed", args=[company.account.public_id])
    for name in ("home", "job_list", "token_new"):
        assert client.get(reverse(name))["Location"] == needed


def test_who_is_in_two_companies_sets_their_factor_up_in_a_session_of_their_own(
    client: Client, company: Cast
) -> None:
    make_provider(company.other_account, ask_second_factor=True)
    Membership.objects.create(account=company.other_account, user=company.viewer, role=Role.AUDITOR)
    by_password(client, company.viewer)
    assert client.get(reverse("second_factor_setup")).status_code == 200
    assert client.get(reverse("my_security")).status_code == 200
    for account in (company.account, company.other_account):
        client.post(reverse("account_switch"), {"account": str(account.public_id)})
        for name in ("home", "job_list"):
            assert client.get(reverse(name))["Location"] == reverse("saml_needed", args=[account.public_id])


# Strangers and the audit.


def test_strangers_do_not_fill_the_audit(client: Client, company: Cast) -> None:
    acs = reverse("saml_acs", args=[company.account.public_id])
    finish = reverse("saml_finish", args=[company.account.public_id, "made-up"])
    for _ in range(3):
        assert client.post(acs, {"SAMLResponse": "eA=="}).status_code == 403
        assert client.get(finish).status_code == 403
    assert len(causes(company)) == 2, "the same from the same place is one line"
    for last in range(1, 40):
        client.post(acs, {"SAMLResponse": "eA=="}, REMOTE_ADDR=f"203.0.113.{last}")
    assert len(causes(company)) <= 21
    with account_scope(company.account.pk):
        assert SecurityEvent.objects.filter(code="saml.refused", address="203.0.113.1").count() == 1
