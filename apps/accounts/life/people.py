"""Whom to tell what happens to an account."""

from ..enums import Role
from ..models import Membership


def administrators(account_id: int) -> list[str]:
    """The addresses of an account's administrators who can sign in, its owner first."""
    rows = Membership.objects.filter(
        account_id=account_id, role=Role.ADMINISTRATOR, is_active=True, user__is_active=True
    )
    return list(rows.order_by("-is_owner", "pk").values_list("user__email", flat=True))


def owner_of(account_id: int) -> Membership | None:
    """Who owns an account; nobody while a partner holds it."""
    return Membership.objects.select_related("user").filter(account_id=account_id, is_owner=True).first()
