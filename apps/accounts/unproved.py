"""People whose address nobody has confirmed: whoever signed up with it may be somebody else than its owner.

What was set before is void as soon as the owner of the mailbox comes another way than by the link of that
sign-up: else a stranger who signed up first would sit in what the owner is let into later.
"""

from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.core import clock

from .enums import AccountState, ClosingCause
from .life.closing import account_close
from .models import Membership, PartnerMembership, User
from .sessions import sessions_end
from .ways_in import ways_in_void

# As long as the link of the sign-up lasts (ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS).
LINK_LASTS: Final = timedelta(days=3)


def is_unproved(user: User) -> bool:
    """Whether no address of this person was ever confirmed."""
    mine = EmailAddress.objects.filter(user=user)
    return mine.exists() and not mine.filter(verified=True).exists()


@transaction.atomic
def void_if_unproved(user: User) -> None:
    """Take every way in away that was set up before anybody showed that the address is theirs."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if not is_unproved(user):
        return
    ways_in_void(user)
    sessions_end(user)
    user.set_unusable_password()
    user.save(update_fields=["password"])


def unproved_forget() -> int:
    """Drop who signed up and never confirmed; the empty account that it opened is closed. Returns how many."""
    addresses = EmailAddress.objects.filter(user_id=OuterRef("pk"))
    seats = PartnerMembership.objects.filter(user_id=OuterRef("pk"))
    rows = User.objects.filter(
        Exists(addresses), ~Exists(addresses.filter(verified=True)), ~Exists(seats),
        last_login=None, is_platform_staff=False, date_joined__lt=clock.now() - LINK_LASTS,
    )  # fmt: skip
    return sum(_forget(user_id) for user_id in list(rows.values_list("pk", flat=True)))


@transaction.atomic
def _forget(user_id: int) -> bool:
    user = User.objects.select_for_update().filter(pk=user_id, last_login=None).first()
    if user is None or not is_unproved(user) or not _signed_up(user):
        return False
    own = list(Membership.objects.filter(user=user).values_list("account_id", flat=True))
    if Membership.objects.filter(user=user).exclude(_alone_in_it()).exists():
        return False
    user.delete()  # first: the mail about the account's end is not for whom it never belonged to
    for account_id in own:
        account_close(account_id=account_id, cause=ClosingCause.TRIAL)
    return True


def _signed_up(user: User) -> bool:
    """By our form or a provider. Whom an operator or a partner put in has no way in before the first reset."""
    return user.has_usable_password() or SocialAccount.objects.filter(user=user).exists()


def _alone_in_it() -> Q:
    """The account that the sign-up itself opened: of this person alone, which no partner looks after."""
    others = Membership.objects.filter(account_id=OuterRef("account_id")).exclude(user_id=OuterRef("user_id"))
    return Q(is_owner=True, account__state=AccountState.TRIAL, account__partner_relation=None) & ~Q(
        Exists(others)
    )
