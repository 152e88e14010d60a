"""Who signs up with somebody else's address gets nothing of what its owner is let into later."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import PartnerRole
from apps.accounts.models import (
    Account,
    Membership,
    Partner,
    PartnerMembership,
    RecoveryCode,
    User,
    UserSession,
)
from apps.accounts.services import account_open
from apps.accounts.social.identity import Identity
from apps.accounts.social.services import account_open_by_identity
from apps.accounts.tasks import forget_what_is_over
from apps.core import clock
from tests.accounts.test_forgotten_password import ask
from tests.accounts.test_sign_up import link_in_the_mail
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.database
VICTIM = "victim@noodles.example"
NEW = "a lantern by the river"


def mallorys_sign_up() -> User:
    mallory = Identity("google", "https://issuer.example", "mallory", VICTIM, verified=False, name="M")
    return account_open_by_identity(mallory, account_name="M", location="de", name="M", email=VICTIM)


def reset(email: str) -> None:
    victim = Client()
    ask(victim, email)
    action = victim.get(link_in_the_mail(), follow=True).context["action_url"]
    assert victim.post(action, {"password1": NEW, "password2": NEW}).status_code == 302


def test_a_reset_voids_what_was_set_with_an_address_that_nobody_confirmed(db: None) -> None:
    user = mallorys_sign_up()
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    RecoveryCode.objects.create(user=user, hashed="x")
    UserSession.objects.create(user=user)
    reset(VICTIM)
    assert not SocialAccount.objects.exists() and not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists() and not UserSession.objects.exists()
    assert User.objects.get(pk=user.pk).check_password(NEW)


def test_a_reset_of_who_confirmed_keeps_the_rest(db: None) -> None:
    user = mallorys_sign_up()
    EmailAddress.objects.filter(user=user).update(verified=True)
    reset(VICTIM)
    assert SocialAccount.objects.filter(user=user).exists()


@pytest.mark.parametrize("how", ["provider", "password"])
def test_who_never_confirms_is_dropped_after_three_days(db: None, how: str) -> None:
    if how == "provider":
        user = mallorys_sign_up()
    else:
        user = account_open(account_name="M", location="de", name="M", email=VICTIM, password=PASSWORD)
    forget_what_is_over()
    assert User.objects.filter(pk=user.pk).exists(), "the link of the sign-up lasts that long"
    with clock.travel(clock.now() + timedelta(days=3, hours=1)):
        forget_what_is_over()
    assert not User.objects.filter(pk=user.pk).exists()
    assert Account.objects.get(name="M").state == "closing"


def _confirms(user: User, cast: Cast) -> None:
    EmailAddress.objects.filter(user=user).update(verified=True)


def _belongs_elsewhere(user: User, cast: Cast) -> None:
    Membership.objects.create(account=cast.account, user=user, role="auditor")


def _works_for_a_partner(user: User, cast: Cast) -> None:
    partner = Partner.objects.create(name="P")
    PartnerMembership.objects.create(partner=partner, user=user, role=PartnerRole.TECHNICIAN)


@pytest.mark.parametrize("why", [_confirms, _belongs_elsewhere, _works_for_a_partner])
def test_nobody_else_is_dropped(cast: Cast, why: Any) -> None:
    user = mallorys_sign_up()
    why(user, cast)
    before = User.objects.count()
    with clock.travel(clock.now() + timedelta(days=30)):
        forget_what_is_over()
    assert User.objects.count() == before


def test_an_invited_owner_of_the_address_finds_mallory_gone(cast: Cast) -> None:
    """A password sign-up: the owner of the mailbox comes by "Forgotten?", and confirms then."""
    account_open(account_name="M", location="de", name="M", email=VICTIM, password=PASSWORD)
    reset(VICTIM)
    EmailAddress.objects.filter(email=VICTIM).update(verified=True)
    mallory = Client()
    mallory.post(reverse("account_login"), {"login": VICTIM, "password": PASSWORD})
    assert "_auth_user_id" not in mallory.session
