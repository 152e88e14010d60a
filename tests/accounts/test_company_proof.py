"""Company sign-in: fresh proofs, refusals, tokens and second factors of who came by the company."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.test import Client
from django.urls import reverse
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from apps.accounts.enums import Role
from apps.accounts.models import Account, Membership, User
from apps.accounts.saml.arrivals import CAUSES
from apps.core import clock
from tests.accounts.company import causes, come_in, deliver, request_id
from tests.accounts.test_tokens import new_token
from tests.cast import Cast
from tests.fixtures.saml import Answer, make_provider, signer

# Proving oneself again.


def test_a_dangerous_act_sends_people_of_the_company_back_to_the_provider(
    client: Client, company: Cast
) -> None:
    Membership.objects.filter(user=company.viewer).update(role=Role.ADMINISTRATOR)
    come_in(client, company, company.viewer, authenticated=timedelta(hours=-2))
    off = reverse("saml_switch_off")
    assert client.post(off)["Location"].startswith(reverse("sudo"))
    assert "Confirm at your company" in client.get(reverse("sudo")).content.decode()
    away = client.get(reverse("saml_confirm"), {"next": "/settings/security/"})["Location"]
    asked = Utils.decode_base64_and_inflate(parse_qs(urlsplit(away).query)["SAMLRequest"][0]).decode()
    assert 'ForceAuthn="true"' in asked
    lazy = Answer(
        company.account.public_id, company.viewer.email, request_id(away), authenticated=timedelta(hours=-2)
    )
    assert deliver(client, lazy, company.account).status_code == 403
    away = client.get(reverse("saml_confirm"), {"next": "/settings/security/"})["Location"]
    fresh = Answer(company.account.public_id, company.viewer.email, request_id(away))
    assert deliver(client, fresh, company.account)["Location"] == "/settings/security/"
    assert client.post(off)["Location"] == f"{reverse('security')}#saml"
    assert causes(company) == ["not_asked_anew"]


def test_another_person_of_the_company_proves_nothing(client: Client, company: Cast) -> None:
    come_in(client, company, company.viewer)
    away = client.get(reverse("saml_confirm"))["Location"]
    other = Answer(company.account.public_id, company.operator.email, request_id(away))
    assert deliver(client, other, company.account).status_code == 403
    assert causes(company) == ["wrong_person"]


def test_every_cause_has_words() -> None:
    source = "".join(path.read_text() for path in Path("apps/accounts/saml").glob("*.py"))
    raised = set(re.findall(r'SamlRefused\(\s*"(\w+)"', source)) | set(re.findall(r'_V\.\w+: "(\w+)"', source))
    assert raised <= set(CAUSES)


def test_the_page_of_a_refusal_says_nothing_of_the_cause(client: Client, company: Cast) -> None:
    pages = set()
    for changed in (
        {"by": signer("thief")},
        {"issuer": "https://x.example"},
        {"audience": "https://x.example"},
    ):
        page = come_in(Client(), company, company.viewer, **changed).content.decode()
        pages.add(re.sub(r"Reference: <code>\w+", "", page))
    assert len(pages) == 1
    assert causes(company) == ["bad_signature", "wrong_issuer", "wrong_audience"]


def test_a_token_of_a_member_goes_on_working(client: Client, company: Cast) -> None:
    """It opens this one account, was made by somebody who was let in, and its administrators see and end it."""
    token = new_token(company.viewer)
    assert client.get("/api/v1/account", headers={"authorization": f"Token {token}"}).status_code == 200
    client.force_login(company.viewer)
    assert client.get("/api/v1/account").status_code == 403


# The second factor.


def test_the_companys_sign_in_is_proof_enough_and_no_password_of_ours_ends(
    client: Client, company: Cast
) -> None:
    Account.objects.filter(pk=company.account.pk).update(second_factor_required=True, password_days=1)
    User.objects.update(password_changed_at=clock.now() - timedelta(days=3))
    come_in(client, company, company.viewer)
    assert client.get("/").status_code == 200


def test_unless_the_account_asks_for_ours_too(client: Client, cast: Cast) -> None:
    make_provider(cast.account, ask_second_factor=True)
    come_in(client, cast, cast.viewer)
    set_up = reverse("second_factor_setup")
    assert client.get("/")["Location"].startswith(set_up)
    assert client.get(set_up).status_code in (200, 302)


def test_a_company_cannot_choose_the_factor_of_somebody_with_another_account(
    client: Client, cast: Cast
) -> None:
    make_provider(cast.account, ask_second_factor=True)
    Membership.objects.create(account=cast.other_account, user=cast.viewer, role=Role.AUDITOR)
    come_in(client, cast, cast.viewer)
    assert client.get(reverse("second_factor_setup")).status_code == 403
