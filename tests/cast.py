"""The people of the tests: fixed names, so that a test says who may and who may not."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import ROLE_PERMISSIONS, Location, PartnerRole, Role
from apps.accounts.models import (
    Account,
    Invitation,
    Membership,
    Partner,
    PartnerCustomer,
    PartnerMembership,
    TotpDevice,
    User,
)
from apps.core import clock

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Cast:
    """Two accounts. Everybody but the stranger and the invited belongs to `account`.

    Of them only the owner sees what has limited access. `custom` may what the restorer may, but has OneDrive
    only. `both` looks in `account`, where he arrives, and is administrator of `other_account`. `invited` can
    sign in, belongs to no account, and has an invitation to `account` that is not answered yet.
    `partner` manages a partner that looks after `account`, `staff` runs the platform; neither has gone in.
    """

    account: Account
    other_account: Account
    owner: User
    operator: User
    restorer: User
    viewer: User
    finance: User
    stranger: User
    custom: User
    both: User
    invited: User
    partner: User
    staff: User


def make_cast() -> Cast:
    """Create both accounts and all the people."""
    account = Account.objects.create(name="Pizza Perfecto", location=Location.GERMANY)
    other = Account.objects.create(name="Strange Sushi", location=Location.JAPAN)
    both = member(account, "bo@both.example", Role.AUDITOR, name="Bo Both")
    invited = User.objects.create_user("ines@elsewhere.example", PASSWORD, name="Ines Invited")
    Invitation.objects.create(
        account=account,
        email=invited.email,
        role=Role.AUDITOR,
        token_hash="0" * 64,
        inviter_label="Olivia Romano",
        expires_at=clock.now() + timedelta(hours=24),
    )
    cast = Cast(
        account=account,
        other_account=other,
        owner=member(
            account,
            "olivia.romano@pizza-perfecto.example",
            Role.ADMINISTRATOR,
            name="Olivia Romano",
            is_owner=True,
        ),
        operator=member(account, "oskar.operator@pizza-perfecto.example", Role.BACKUP_OPERATOR, name="Oskar"),
        restorer=member(account, "rita.restorer@pizza-perfecto.example", Role.RESTORE_OPERATOR, name="Rita"),
        viewer=member(account, "vera.viewer@pizza-perfecto.example", Role.AUDITOR, name="Vera Viewer"),
        finance=member(account, "fred.finance@pizza-perfecto.example", Role.FINANCE, name="Fred Finance"),
        stranger=member(
            other, "sam@strange-sushi.example", Role.ADMINISTRATOR, name="Sam Stranger", is_owner=True
        ),
        custom=member(
            account,
            "karim.custom@pizza-perfecto.example",
            Role.CUSTOM,
            name="Karim Custom",
            extra_permissions=sorted(ROLE_PERMISSIONS[Role.RESTORE_OPERATOR]),
            services=["onedrive"],
        ),
        both=both,
        invited=invited,
        partner=partner_person(
            "Managed Mail", "paul@managed-mail.example", customer=account, role=Role.BACKUP_OPERATOR
        ),
        staff=User.objects.create_user(
            "stella@everkeep.example", PASSWORD, name="Stella Staff", is_platform_staff=True
        ),
    )
    Membership.objects.create(account=other, user=both, role=Role.ADMINISTRATOR)
    return cast


def partner_person(partner: str, email: str, *, customer: Account, role: str) -> User:
    """Make a partner that looks after `customer`, and the one who manages it."""
    user = User.objects.create_user(email, PASSWORD, name=email.partition("@")[0].title())
    made = Partner.objects.create(name=partner)
    PartnerMembership.objects.create(partner=made, user=user, role=PartnerRole.MANAGER)
    PartnerCustomer.objects.create(partner=made, account=customer, role=role)
    return user


def member(account: Account, email: str, role: str, *, name: str = "", **fields: Any) -> User:
    """Make a person who belongs to this account; `fields` are those of the membership."""
    user = User.objects.create_user(email, PASSWORD, name=name)
    # Seen just now, so that no request of a test counts the write that notes it.
    Membership.objects.create(account=account, user=user, role=role, last_seen_at=clock.now(), **fields)
    return user


def prove_again(client: Client) -> None:
    """Give the fresh proof that dangerous acts want (`accounts.sudo`), at a session that is open."""
    answer = client.post(reverse("sudo"), {"password": PASSWORD, "next": "/"})
    assert answer.status_code == 302, answer.content.decode()


def with_factor(client: Client, user: User) -> Client:
    """Sign somebody in who has an authenticator app and has given its code."""
    device = TotpDevice(user=user, confirmed=True, name="App")
    device.seal(b"k" * 20)
    TotpDevice.objects.filter(user=user).delete()
    device.save()
    client.force_login(user)
    request = HttpRequest()
    request.session = client.session
    record_authentication(request, user, method="mfa", type="totp")
    request.session.save()
    return client
