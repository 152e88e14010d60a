"""What concerns a person stands in the audit of every account that they belong to."""

import logging
from typing import Any

from apps.activity.audit import audit
from apps.core.actor import Actor, acting_as, current_actor
from apps.core.permissions import Permission
from apps.core.scope import account_scope, every_account

from .models import Membership, PartnerCustomer, PartnerMembership, SupportGrant, User

logger = logging.getLogger("everkeep.accounts")


def audit_everywhere(code: str, *, user: User, is_proved: bool = True, **fields: Any) -> None:
    """Write `activity.audit.audit(code, ...)` into every account of a person, in the person's name.

    `is_proved` False: somebody who says to be this person, which is not proved; the entry names the address
    that was given, and nobody's id.
    """
    acting = current_actor()
    who = Actor(
        "user",
        label=str(user) if is_proved else user.email,
        user_id=user.pk if is_proved else None,
        address=acting.address,
        request_id=acting.request_id,
    )
    accounts = accounts_of(user)
    if not accounts:
        # People of a partner and staff may belong to no account: then the server's log alone has it.
        logger.info("%s by person %s from %s", code, user.public_id, acting.address or "nowhere")
    with acting_as(who):
        for account_id in accounts:
            with account_scope(account_id):
                audit(code, **fields)


def accounts_of(user: User) -> list[int]:
    """The accounts in which a person may do something, always in the same order: it is that of locks."""
    rows = Membership.objects.filter(user=user, is_active=True).order_by("account_id")
    return list(rows.values_list("account_id", flat=True))


def accounts_that_know(user: User) -> list[int]:
    """The accounts that may have written somebody down: as a member, also switched off, or as their guest."""
    found = {*Membership.objects.filter(user=user).values_list("account_id", flat=True)}
    found |= {
        *PartnerCustomer.objects.filter(partner__memberships__user=user).values_list("account_id", flat=True)
    }
    return sorted(found | set(accounts_that_let_in() if user.is_platform_staff else ()))


def accounts_that_let_in() -> list[int]:
    """The accounts that ever let Everkeep's staff in."""
    with every_account("which accounts know the address of one of the staff"):
        return list(SupportGrant.objects.order_by().values_list("account_id", flat=True).distinct())


def has_ways_elsewhere(user: User) -> bool:
    """Whether somebody enters more than one account: as a member, for a partner, or as staff."""
    return works_outside(user) or user.memberships.count() > 1


def works_outside(user: User) -> bool:
    """Whether somebody has pages beside those of accounts: for a partner, or as staff."""
    return user.is_platform_staff or PartnerMembership.objects.filter(user=user).exists()


def factor_demanded_of(user: User) -> bool:
    """Whether who enters other people's accounts needs a second factor for it: staff do, partners decide."""
    seats = PartnerMembership.objects.filter(user=user, partner__second_factor_required=True)
    return user.is_platform_staff or seats.exists()


def addresses_of(account_id: int, user_ids: set[int]) -> list[str]:
    """The mail addresses of those of these people who may see the account's settings today."""
    rows = Membership.objects.select_related("user").filter(
        account_id=account_id, user_id__in=user_ids, is_active=True, user__is_active=True
    )
    return [row.user.email for row in rows if Permission.ACCOUNT_SETTINGS in row.permissions]
