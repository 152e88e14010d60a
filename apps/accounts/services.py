"""Writes about accounts and people."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import transaction

from apps.activity.services import record
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope

from .enums import Role
from .models import Account, Membership, User

TRIAL = timedelta(days=14)


@transaction.atomic
def account_open(
    *,
    account_name: str,
    location: str,
    name: str,
    email: str,
    password: str,
    email_verified: bool = False,
) -> User:
    """Open a trial account with its first administrator, all of it or nothing.

    The person can sign in only once `email` is verified (features ACC-04). Raises IntegrityError when a
    person with this address exists.
    """
    now = clock.now()
    account = Account.objects.create(
        name=account_name, location=location, created_at=now, trial_ends_at=now + TRIAL
    )
    user = User.objects.create_user(email, password, name=name)
    Membership.objects.create(account=account, user=user, role=Role.ADMINISTRATOR, is_owner=True)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=email_verified)
    founder = Actor("user", label=str(user), user_id=user.pk)
    with account_scope(account.pk), acting_as(founder):
        record("account.created", item_label=account.name, subject_id=account.public_id, location=location)
    return user
