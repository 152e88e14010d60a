"""The second factor of who enters other people's accounts: staff always, partners' people where asked."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.guests.support import support_grant
from apps.accounts.models import Membership, Partner, PartnerCustomer, TotpDevice, User
from apps.core.scope import account_scope
from tests.accounts.test_second_factor import set_up
from tests.cast import Cast, prove_again, with_factor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
SETUP, SUDO = "second_factor_setup", "sudo"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def led_to(client: Client, address: str) -> str:
    return str(client.get(address).headers.get("Location", "")).partition("?")[0]


@pytest.fixture
def grant(cast: Cast) -> str:
    with account_scope(cast.account.pk):
        support_grant(hours=4, role=Role.AUDITOR, reason="Look")
    return reverse("staff_enter", args=[cast.account.public_id])


def test_staff_set_a_factor_up_before_any_grant_is_of_use(cast: Cast, grant: str) -> None:
    stella = signed_in(cast.staff)
    assert led_to(stella, reverse("staff")) == reverse(SETUP)
    assert stella.post(grant)["Location"].startswith(reverse(SETUP))
    page = stella.get(reverse(SUDO)).content.decode()
    assert "All accounts" in page and 'href="/settings/' not in page, "a frame without an account"
    assert len(set_up(stella, cast.staff)) == 10
    assert mail.outbox[-1].to == [cast.staff.email]
    assert stella.get(reverse("staff")).status_code == 200
    assert stella.post(grant)["Location"] == reverse("home")
    assert stella.get(reverse("home")).status_code == 200


def test_a_session_that_did_not_give_it_is_asked_and_no_password_will_do(cast: Cast, grant: str) -> None:
    with_factor(Client(), cast.staff)
    stolen = signed_in(cast.staff)
    assert led_to(stolen, reverse("staff")) == reverse(SUDO) and stolen.post(grant)["Location"] != reverse(
        "home"
    )
    page = stolen.get(reverse(SUDO)).content.decode()
    assert "Code from your app" in page and "Your password" not in page
    for chosen_anew in ("passkey_add", "my_security", "password_change"):
        assert led_to(stolen, reverse(chosen_anew)) == reverse(SUDO)


def test_it_holds_for_staff_with_an_account_of_their_own(cast: Cast) -> None:
    Membership.objects.create(account=cast.other_account, user=cast.staff, role=Role.ADMINISTRATOR)
    with_factor(Client(), cast.staff)
    stolen = signed_in(cast.staff)
    assert stolen.get(reverse("home")).status_code == 200, "their own account does not ask for it"
    assert led_to(stolen, reverse("staff")) == reverse(SUDO)
    assert "Your password" not in stolen.get(reverse(SUDO)).content.decode()


def test_who_loses_the_factor_is_out_of_the_customers_account(cast: Cast, grant: str) -> None:
    stella = with_factor(Client(), cast.staff)
    stella.post(grant)
    assert stella.get(reverse("recovery")).status_code == 200
    TotpDevice.objects.all().delete()
    assert stella.get(reverse("recovery")).status_code == 403


def test_a_partner_demands_it_of_its_people_when_its_manager_says_so(cast: Cast) -> None:
    relation = PartnerCustomer.objects.get(account=cast.account)
    paul, inside = signed_in(cast.partner), signed_in(cast.partner)
    enter = reverse("partner_enter", args=[relation.public_id])
    assert inside.post(enter)["Location"] == reverse("home")
    rules = reverse("partner_rules")
    assert paul.post(rules, {"second_factor": "on"})["Location"].startswith(reverse(SUDO))
    prove_again(paul)
    assert paul.post(rules, {"second_factor": "on"})["Location"] == reverse("partner_people")
    assert Partner.objects.get().second_factor_required
    assert mail.outbox[-1].subject == "What Managed Mail asks of its people was changed"
    assert led_to(paul, reverse("partner")) == reverse(SETUP) == led_to(inside, reverse("recovery"))
    assert inside.get(reverse("guest")).status_code == 200, "the way out is always open"
    set_up(paul, cast.partner)
    assert paul.get(reverse("partner")).status_code == 200
    assert "App" in paul.get(reverse("partner_people")).content.decode()
    assert led_to(inside, reverse("recovery")) == reverse(SUDO), "a session that has not given it"


def test_people_of_a_partner_and_nobody_else_have_their_own_sign_in_without_an_account(cast: Cast) -> None:
    paul, ines = signed_in(cast.partner), signed_in(cast.invited)
    page = paul.get(reverse("my_security")).content.decode()
    assert "Second factor" in page and "Where you are signed in" in page and "API token" not in page
    for name in ("my_security", "sudo", "password_change", SETUP):
        assert ines.get(reverse(name)).status_code == 403
    paul.post(reverse("session_end_others"))
    wrong = paul.post(reverse(SUDO), {"password": "wrong"})
    assert wrong.status_code == 200 and "not your password" in wrong.content.decode()
