"""Everkeep's staff in a customer's account: only while, and only as what, the customer says."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import NotFound, PermissionMissing
from apps.core.scope import account_scope, current_account_id, some_accounts

from ..everywhere import accounts_that_let_in
from ..models import Account, SupportGrant, User
from .entering import guest_left


@transaction.atomic
def support_grant(*, hours: int, role: str, reason: str) -> SupportGrant:
    """Let the staff in for so many hours. Ends by itself."""
    now = clock.now()
    grant = SupportGrant.objects.create(
        account_id=current_account_id(),
        role=role,
        reason=reason,
        given_by=current_actor().label[:200],
        given_at=now,
        ends_at=now + timedelta(hours=hours),
    )
    audit(
        "support.granted",
        description=f"Everkeep's staff may enter as {grant.get_role_display()} for {hours} hours: {reason}",
        subject_id=grant.public_id,
    )
    return grant


@transaction.atomic
def support_end(*, public_id: UUID) -> None:
    """End a grant before its time; whoever is in is out with the next request."""
    grants = SupportGrant.objects.filter(public_id=public_id)
    if not grants.exists():
        raise NotFound("There is no such permission for support.")
    if grants.filter(revoked_at=None).update(revoked_at=clock.now()):
        audit("support.revoked", description="Everkeep's staff may not enter any more.", subject_id=public_id)


def grants_open() -> list[SupportGrant]:
    """The grants in force in the account in force."""
    return list(SupportGrant.objects.filter(revoked_at=None, ends_at__gt=clock.now()).order_by("ends_at"))


def grant_for_entry(account: Account) -> SupportGrant:
    """The newest grant by which the staff may enter now. Raises PermissionMissing without one."""
    with account_scope(account.pk):
        rows = SupportGrant.objects.filter(revoked_at=None, ends_at__gt=clock.now())
        grant = rows.select_related("account").order_by("-given_at").first()
    if grant is None:
        raise PermissionMissing(
            "This customer has not let support in.", do="Ask them: Settings, Account, Let support in."
        )
    return grant


def let_in(accounts: list[Account]) -> set[int]:
    """Which of these accounts let the staff in now, in one query."""
    with some_accounts(account.pk for account in accounts):
        open_now = SupportGrant.objects.filter(revoked_at=None, ends_at__gt=clock.now())
        return set(open_now.values_list("account_id", flat=True))


@transaction.atomic
def staff_set(*, email: str, on: bool) -> User:
    """Make somebody one of the staff, or not any more; for the operator."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise NotFound("Nobody signs in with this address.")
    user.is_platform_staff = on
    user.save(update_fields=["is_platform_staff"])
    for account_id in () if on else accounts_that_let_in():
        guest_left(user, account_id)
    return user
