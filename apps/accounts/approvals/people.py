"""Who may be the second person."""

from datetime import timedelta
from typing import Final

from apps.core import clock

from ..enums import Role
from ..models import Account, Approval, GuestMembership, Membership, SamlProvider

STANDING: Final = timedelta(days=7)
"""How long rights must have stood unchanged when a proposal is made. Who lets a straw man in waits so
long, and the straw man stands in the audit and on the list of users meanwhile."""


def second_persons(account: Account, proposer_id: int, *, at: object = None) -> list[Membership]:
    """The administrators who may approve what this person proposes at a moment, by default now."""
    moment = at or clock.now()
    rows = Membership.objects.select_related("user").filter(
        account=account,
        role=Role.ADMINISTRATOR,
        is_active=True,
        user__is_active=True,
        standing_since__lte=moment - STANDING,  # type: ignore[operator]
    )
    return list(rows.exclude(user_id=proposer_id).order_by("-is_owner", "pk"))


def administrators_of(account: Account) -> int:
    """How many administrators of the account's own can sign in."""
    rows = Membership.objects.filter(
        account=account, role=Role.ADMINISTRATOR, is_active=True, user__is_active=True
    )
    return rows.count()


def why_not(approval: Approval, membership: Membership, *, by_company: bool) -> str:
    """Why this person may not approve it, "" when they may. `by_company`: their company signed them in."""
    if membership.user_id == approval.proposer_id:
        return "You proposed this yourself: somebody else has to approve it."
    if isinstance(membership, GuestMembership) or membership.role != Role.ADMINISTRATOR:
        return "Only an administrator of the account's own may approve this."
    latest = approval.proposed_at - STANDING
    if membership.standing_since > latest:
        return (
            f"Your rights were given, changed or reset less than {STANDING.days} days before this was proposed."
        )
    if by_company and _provider_is_newer(approval.account_id, latest):
        return (
            f"Company sign-in was set up less than {STANDING.days} days before this was proposed. "
            "Sign in with your own password."
        )
    return ""


def _provider_is_newer(account_id: int, latest: object) -> bool:
    """Whoever sets up a provider can make it sign in as anybody: a new one vouches for no second person."""
    rows = SamlProvider.objects.filter(account_id=account_id)
    return not rows.filter(activated_at__lte=latest).exists()
