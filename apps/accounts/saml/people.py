"""Whose session an assertion opens: a member of the very account whose provider speaks, or nobody's."""

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from apps.activity.audit import audit
from apps.core.scope import current_account_id

from ..models import CompanyDomain, Membership, SamlArrival, SamlProvider, User
from .checks import SamlRefused


def person_of(provider: SamlProvider, arrival: SamlArrival) -> User:
    """The member with the asserted address, made now if the account wants that. Raises SamlRefused."""
    member = (
        Membership.objects.select_related("user")
        .filter(account_id=current_account_id(), user__email=arrival.address)
        .first()
    )
    if member is not None:
        if not (member.is_active and member.user.is_active):
            raise SamlRefused("switched_off", arrival.address)
        if member.is_owner:
            # Any administrator may set a provider up that says what they like: it must not make them the owner.
            raise SamlRefused("owner", arrival.address)
        return member.user
    if not provider.create_people or not _is_ours(arrival.address):
        raise SamlRefused("no_member", arrival.address)
    return _created(provider, arrival)


def _is_ours(address: str) -> bool:
    domain = address.rpartition("@")[2]
    rows = CompanyDomain.objects.filter(account_id=current_account_id(), verified_at__isnull=False)
    return rows.filter(domain=domain).exists()


@transaction.atomic
def _created(provider: SamlProvider, arrival: SamlArrival) -> User:
    """A new person, member of this account only. Somebody who exists already has to be invited instead."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(arrival.address, None, name=arrival.person_name)
    except IntegrityError as error:
        raise SamlRefused("belongs_elsewhere", arrival.address) from error
    Membership.objects.create(account_id=current_account_id(), user=user, role=provider.default_role)
    # Verified: the domain was shown to be the company's, and the company's own sign-in vouches for the rest.
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    audit("saml.person_created", description=f"Made a user for {user.email}", subject_id=user.public_id)
    return user
