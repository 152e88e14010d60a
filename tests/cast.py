"""The people of the tests: fixed names, so that a test says who may and who may not."""

from dataclasses import dataclass

from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Location, Role
from apps.accounts.models import Account, Membership, User

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Cast:
    """Two accounts: everybody but the stranger belongs to `account`."""

    account: Account
    other_account: Account
    owner: User
    operator: User
    restorer: User
    viewer: User
    finance: User
    stranger: User


def make_cast() -> Cast:
    """Create both accounts and all six people."""
    account = Account.objects.create(name="Pizza Perfecto", location=Location.GERMANY)
    other = Account.objects.create(name="Strange Sushi", location=Location.JAPAN)
    return Cast(
        account=account,
        other_account=other,
        owner=_member(
            account, "olivia.romano@pizza-perfecto.example", "Olivia Romano", Role.ADMINISTRATOR, owner=True
        ),
        operator=_member(account, "oskar.operator@pizza-perfecto.example", "Oskar", Role.BACKUP_OPERATOR),
        restorer=_member(account, "rita.restorer@pizza-perfecto.example", "Rita", Role.RESTORE_OPERATOR),
        viewer=_member(account, "vera.viewer@pizza-perfecto.example", "Vera Viewer", Role.AUDITOR),
        finance=_member(account, "fred.finance@pizza-perfecto.example", "Fred Finance", Role.FINANCE),
        stranger=_member(other, "sam@strange-sushi.example", "Sam Stranger", Role.ADMINISTRATOR, owner=True),
    )


def _member(account: Account, email: str, name: str, role: str, *, owner: bool = False) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name)
    Membership.objects.create(account=account, user=user, role=role, is_owner=owner)
    return user


def prove_again(client: Client) -> None:
    """Give the fresh proof that dangerous acts want (`accounts.sudo`), at a session that is open."""
    answer = client.post(reverse("sudo"), {"password": PASSWORD, "next": "/"})
    assert answer.status_code == 302, answer.content.decode()
