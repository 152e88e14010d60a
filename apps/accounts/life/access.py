"""Who of an account may decide about its life."""

from apps.core.errors import PermissionMissing

from ..enums import Role
from ..http import MemberRequest
from ..models import GuestMembership


def is_administrator(request: MemberRequest) -> bool:
    """Whether somebody administrates the account as one of its own people, not as a guest."""
    membership = request.membership
    own = not isinstance(membership, GuestMembership)
    return own and (membership.is_owner or membership.role == Role.ADMINISTRATOR)


def require_administrator(request: MemberRequest) -> None:
    """Raise PermissionMissing unless an administrator of the account's own asks."""
    if not is_administrator(request):
        raise PermissionMissing(
            "Only an administrator of the account may do this.", do="Ask one of your administrators."
        )
