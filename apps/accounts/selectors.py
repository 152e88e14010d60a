"""Reads about accounts and people that other apps share."""

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.db.models import Q

from apps.core.actor import Actor
from apps.core.scope import current_account_id

from .guests.entering import guest_now
from .life.closing import given_up as given_up_accounts
from .life.people import administrators
from .life.trial import stopped as stopped_accounts
from .models import Account, Membership, User
from .unproved import is_unproved

__all__ = [
    "account_zone",
    "actor_of",
    "administrators",
    "given_up_accounts",
    "is_anothers",
    "is_unproved",
    "own_addresses",
    "owner_of_address",
    "person_now",
    "stopped_accounts",
    "zones_left",
]


def account_zone(account_id: int | None = None) -> str:
    """The time zone of an account, by default of the one in force."""
    rows = Account.objects.filter(pk=account_id or current_account_id())
    return rows.values_list("time_zone", flat=True).get()


def zones_left(account_id: int) -> list[tuple[datetime, tzinfo]]:
    """The time zones that an account had before its present one, each with when it was last left."""
    left = Account.objects.values_list("zones_left", flat=True).get(pk=account_id)
    return [(datetime.fromisoformat(moment), ZoneInfo(zone)) for zone, moment in left.items()]


def owner_of_address(email: str) -> User | None:
    """Whose address this is: who signs in with it, or may still object to having changed it for another."""
    rows = User.objects.filter(Q(email=email.lower()) | Q(emailaddress__email=email.lower()))
    return rows.first()


def own_addresses(user: User) -> list[str]:
    """The addresses that are a person's: by which they sign in, and the one that they had until lately."""
    proved = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return sorted({user.email.lower(), *(email.lower() for email in proved)})


def is_anothers(email: str, user: User) -> bool:
    """Whether an address is somebody else's than this person's."""
    rows = User.objects.filter(Q(email=email.lower()) | Q(emailaddress__email=email.lower()))
    return rows.exclude(pk=user.pk).exists()


def actor_of(membership: Membership, *, address: str = "", request_id: str = "") -> Actor:
    """The actor that a member is, with today's rights: the one place that makes actors of people."""
    return Actor(
        kind="user",
        label=f"{membership.user} ({membership.via})" if membership.via else str(membership.user),
        user_id=membership.user_id,
        permissions=membership.permissions,
        address=address,
        request_id=request_id,
        services=membership.seen_services,
    )


def person_now(user_id: int) -> Actor | None:
    """What a person may do now in the account in force, as member or guest; None for who is neither."""
    account_id = current_account_id()
    rows = Membership.objects.select_related("user").filter(
        account_id=account_id, user_id=user_id, is_active=True, user__is_active=True
    )
    member = rows.first() or guest_now(user_id, account_id)
    return actor_of(member) if member else None
