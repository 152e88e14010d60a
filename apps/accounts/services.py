"""Writes about accounts and people."""

from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction

from apps.activity.services import record
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.errors import Conflict
from apps.core.scope import account_scope

from .enums import AccountState, Role
from .life.closing import account_close
from .life.suspension import account_suspend
from .life.trial import account_activate_plan, trial_end
from .models import Account, Membership, User
from .registry import tell_owner

__all__ = [
    "account_activate_plan",
    "account_close",
    "account_open",
    "account_suspend",
    "account_take_over",
    "user_prefer_rows",
]


@transaction.atomic
def account_open(
    *,
    account_name: str,
    location: str,
    name: str,
    email: str,
    password: str | None,
    email_verified: bool = False,
) -> User:
    """Open a trial account with its first administrator, all of it or nothing.

    The person can sign in only once `email` is verified (features ACC-04). Without a password they come by a
    sign-in provider, or set one by "Forgotten?". Raises IntegrityError when a
    person with this address exists.
    """
    now = clock.now()
    account = Account.objects.create(
        name=account_name, location=location, created_at=now, trial_ends_at=trial_end(now)
    )
    user = User.objects.create_user(email, password, name=name)
    Membership.objects.create(account=account, user=user, role=Role.ADMINISTRATOR, is_owner=True)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=email_verified)
    founder = Actor("user", label=str(user), user_id=user.pk, services=None)
    with account_scope(account.pk), acting_as(founder):
        record(
            "account.created",
            item_label=account.name,
            subject_id=account.public_id,
            location=location,
            audited=account.name,
        )
        tell_owner(account.pk, user)
    return user


@transaction.atomic
def account_take_over(*, public_id: UUID | None, name: str, location: str, email: str) -> tuple[Account, User]:
    """Make the account of a vault that comes from another installation, and find or make its owner.

    A new person has no password yet: the operator vouches for the address, and "Forgot password" sets one.
    Raises Conflict when the account is here already.
    """
    if public_id and Account.objects.filter(public_id=public_id).exists():
        raise Conflict("The account of this vault is here already.", do="Use: manage.py vault rebuild.")
    values = {"public_id": public_id} if public_id else {}
    account = Account.objects.create(name=name, location=location, state=AccountState.ACTIVE, **values)
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        user = User.objects.create_user(email, None)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    Membership.objects.create(account=account, user=user, role=Role.ADMINISTRATOR, is_owner=True)
    with account_scope(account.pk):
        record(
            "account.taken_over",
            item_label=account.name,
            subject_id=account.public_id,
            owner=user.email,
            audited=user.email,
        )
        tell_owner(account.pk, user)
    return account, user


def user_prefer_rows(*, user: User, rows: bool) -> None:
    """Keep how this person wants the home page drawn, wherever they sign in next."""
    User.objects.filter(pk=user.pk).update(prefers_rows=rows)
