"""An address of one's other account, opened here: missing it is, but one may be told where it leads.

Nobody learns more than by switching and asking there: only accounts that the person could turn to in this
session, and in each only the rows that they see there (`core.sight`).
"""

from typing import Any

from django.http import HttpRequest

from apps.core.actor import acting_as
from apps.core.scope import account_scope

from .models import Account, Membership
from .registry import linked
from .selectors import actor_of


def account_of_address(request: HttpRequest) -> Account | None:
    """Which of the person's other accounts has what this address names."""
    own: list[Membership] = getattr(request, "memberships", [])
    match = request.resolver_match
    if request.method not in ("GET", "HEAD") or match is None:
        return None
    here: Account | None = getattr(request, "account", None)
    others = [each for each in own if here is None or each.account_id != here.pk]
    return next((each.account for each in others if _is_seen(each, match.kwargs)), None)


def _is_seen(member: Membership, named: dict[str, Any]) -> bool:
    models = linked()
    with account_scope(member.account_id), acting_as(actor_of(member)):
        return any(
            models[name].objects.filter(public_id=value).exists()
            for name, value in named.items()
            if name in models
        )
