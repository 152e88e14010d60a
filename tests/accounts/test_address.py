"""A new address is in force when its mailbox says so; nobody gets another's, and the old one may object."""

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from typing import cast as cast_to

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.life.address import MAY_OBJECT, changes_settle
from apps.accounts.life.people import administrators
from apps.accounts.members.invitations import accept_as_new, hashed, known_person
from apps.accounts.models import (
    ApiToken,
    Invitation,
    Membership,
    RecoveryCode,
    TotpDevice,
    User,
    UserSession,
)
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from apps.recovery.drill.telling import tell_administrators
from tests.cast import PASSWORD, Cast, prove_again

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
PAGE = "/settings/account/"
NEW = "olivia@new-address.example"


def link_to(address: str) -> str:
    (*_, sent) = [sent for sent in mail.outbox if sent.to == [address]]
    found = re.search(r"https?://[^/\s]+(/me/address/\S+)", str(sent.body))
    return found[1] if found else ""


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    prove_again(client)
    return client


def ask(olivia: Client, address: str = NEW) -> Any:
    response = olivia.post(reverse("email_change"), {"email": address, "next": PAGE}, follow=True)
    return response.content.decode().replace(address, "THE ADDRESS")


def email_of(cast: Cast) -> str:
    return User.objects.get(pk=cast.owner.pk).email


def test_the_new_address_is_in_force_when_its_link_was_followed_and_not_before(
    olivia: Client, cast: Cast
) -> None:
    assert "is not confirmed yet" in ask(olivia)
    assert email_of(cast) == cast.owner.email
    link = link_to(NEW)
    Client().get(link)
    assert email_of(cast) == cast.owner.email, "a mail filter that follows links confirms nothing"
    assert "is confirmed" in Client().post(link).content.decode()
    assert email_of(cast) == NEW
    assert "has ended" in Client().post(link).content.decode()
    assert Client().post(reverse("account_login"), {"login": NEW, "password": PASSWORD}).status_code == 302
    with account_scope(cast.account.pk):
        told = SecurityEvent.objects.filter(code__startswith="email.").order_by("pk")
        codes = list(told.values_list("code", flat=True))
    assert codes == ["email.asked", "email.changed"]


def test_a_taken_address_looks_the_same_and_its_owner_is_told(olivia: Client, cast: Cast) -> None:
    free = ask(olivia)
    taken = ask(olivia, cast.stranger.email)
    clean = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"|<time.*?</time>')
    assert clean.sub("", free) == clean.sub("", taken)
    assert "You already sign in" in mail.outbox[-1].subject and not link_to(cast.stranger.email)


def test_an_address_that_was_taken_meanwhile_stays_with_who_took_it(olivia: Client, cast: Cast) -> None:
    ask(olivia)
    User.objects.create_user(NEW, PASSWORD)
    assert "has ended" in Client().post(link_to(NEW)).content.decode()
    assert email_of(cast) == cast.owner.email


def test_resending_ends_the_link_before(olivia: Client, cast: Cast) -> None:
    ask(olivia)
    first = link_to(NEW)
    assert olivia.post(reverse("email_again"), {"next": "/me/"}).status_code == 302
    assert "has ended" in Client().post(first).content.decode()
    assert "is confirmed" in Client().post(link_to(NEW)).content.decode()


def test_the_old_address_objects_and_whoever_sits_there_is_out(olivia: Client, cast: Cast) -> None:
    old = cast.owner.email
    ask(olivia)
    objecting = link_to(old)
    Client().post(link_to(NEW))
    third = olivia.post(reverse("email_change"), {"email": "third@new-address.example", "next": "/"})
    assert third.status_code == 409, "changing again would take the old address' word away"
    taken = Client().post(
        reverse("account_signup"),
        {"account_name": "X", "name": "X", "email": old, "password1": "steam rises from it", "location": "de"},
    )
    assert taken.status_code == 302
    assert mail.outbox[-1].subject == "You already have an Everkeep account", (
        "nobody takes the old address meanwhile"
    )

    assert "Your address stays" in Client().post(objecting).content.decode()
    assert email_of(cast) == old
    assert olivia.get(reverse("home"))["Location"].startswith(reverse("account_login"))
    assert not User.objects.get(pk=cast.owner.pk).has_usable_password()


def test_objecting_ends_what_was_set_up_since_and_keeps_what_was_before(olivia: Client, cast: Cast) -> None:
    def ways(name: str) -> None:
        SocialAccount.objects.create(user=cast.owner, provider="google", uid=name)
        Authenticator.objects.create(user=cast.owner, type="webauthn" if name == "late" else "totp", data={})
        ApiToken.objects.create(
            membership=cast.owner.memberships.get(), name=name, digest=name, expires_at=clock.now()
        )

    ways("early")
    old = cast.owner.email
    ask(olivia)
    objecting = link_to(old)
    ways("late")
    device = TotpDevice(user=cast.owner, confirmed=True, name="App")
    device.seal(b"k" * 20)
    device.save()
    RecoveryCode.objects.create(user=cast.owner, hashed="x")
    Client().post(objecting)
    assert SocialAccount.objects.get().uid == "early" and ApiToken.objects.get().name == "early"
    assert Authenticator.objects.get().type == "totp"
    assert not TotpDevice.objects.exists() and not RecoveryCode.objects.exists()
    assert not UserSession.objects.filter(user=cast.owner).exists()


def test_where_the_person_is_switched_off_nothing_is_written(olivia: Client, cast: Cast) -> None:
    Membership.objects.create(account=cast.other_account, user=cast.owner, role="auditor", is_active=False)
    ask(olivia)
    with account_scope(cast.other_account.pk):
        assert not SecurityEvent.objects.filter(code="email.asked").exists()


def test_a_kept_address_is_nobody_elses_and_that_is_said_calmly(olivia: Client, cast: Cast) -> None:
    old = cast.owner.email
    invitation = Invitation.objects.create(
        account=cast.other_account, email=old, role="auditor", token_hash=hashed("t"),
        inviter_label="Sam", expires_at=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    ask(olivia)
    Client().post(link_to(NEW))
    assert known_person(invitation) == cast.owner
    with pytest.raises(Conflict):
        accept_as_new(token="t", name="X", password=PASSWORD)


def test_a_switched_off_administrator_is_not_told(cast: Cast) -> None:
    Membership.objects.filter(user=cast.owner).update(is_active=False)
    assert cast.owner.email not in administrators(cast.account.pk)
    drill = SimpleNamespace(
        account_id=cast.account.pk, task=SimpleNamespace(name="Mail", service=""),
        get_state_display=lambda: "Failed", message="", items=1, failed=1, public_id="1",
    )  # fmt: skip
    tell_administrators(cast_to(Any, drill))
    assert cast.owner.email not in [to for sent in mail.outbox for to in sent.to]


def test_after_seven_days_the_old_address_is_let_go(olivia: Client, cast: Cast) -> None:
    old = cast.owner.email
    ask(olivia)
    objecting = link_to(old)
    Client().post(link_to(NEW))
    with clock.travel(clock.now() + MAY_OBJECT + timedelta(hours=1)):
        assert "has ended" in Client().post(objecting).content.decode()
        assert changes_settle() == 1
    user = User.objects.get(pk=cast.owner.pk)
    assert list(user.emailaddress_set.values_list("email", flat=True)) == [NEW]


def test_asking_wants_a_fresh_proof(client: Client, cast: Cast) -> None:
    client.force_login(cast.viewer)
    answer = client.post(reverse("email_change"), {"email": NEW})
    assert answer["Location"].startswith(reverse("sudo")) and not mail.outbox
