"""Somebody lost phone, keys and recovery codes: who may help, and how it is told."""

from uuid import UUID

from django.db import transaction

from apps.core import clock
from apps.core.errors import Conflict, NotFound, PermissionMissing

from ..everywhere import has_ways_elsewhere
from ..members.rights import Grant, require_within
from ..models import Membership, RecoveryCode, TotpDevice, User
from .codes import has_factor, tries_forget
from .notices import tell
from .passkeys import passkeys_of


def member_to_reset(account_id: int, member_id: UUID, *, by: User) -> Membership:
    """The member whose second factor `by` may take off. Raises NotFound, PermissionMissing, Conflict.

    Not one's own, which is what a stolen session would try; nobody's who has more rights than `by`; not the
    owner's, and not of who has ways into other accounts, too: their safety is not this account's to lower, nor
    is it told. The operator can do those.
    """
    rows = Membership.objects.select_related("user").filter(account_id=account_id, public_id=member_id)
    member = rows.first()
    if member is None:
        raise NotFound("There is no such user.")
    if member.user_id == by.pk:
        raise Conflict("This is your own sign-in.", do="Use “My sign-in and security”.")
    if member.is_owner or has_ways_elsewhere(member.user):
        raise PermissionMissing("This second factor is not reset here.", do="Ask support.")
    require_within(Grant.of(member))
    return member


@transaction.atomic
def factor_reset(user: User) -> bool:
    """Take app, passkeys and recovery codes off; False when there were none."""
    if not has_factor(user):
        return False
    TotpDevice.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    passkeys_of(user).delete()
    tries_forget(user)
    Membership.objects.filter(user=user).update(standing_since=clock.now())
    tell(
        user, "second_factor.reset", what="Your second factor was reset",
        more="You sign in with your password alone until you set up a new one.",
    )  # fmt: skip
    return True
