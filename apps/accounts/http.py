"""The request that a page behind `member_required` gets."""

from django.http import HttpRequest

from .models import Account, Membership, User


class MemberRequest(HttpRequest):
    """A request of somebody who is signed in and belongs to the account in force."""

    user: User
    account: Account
    membership: Membership
    # Somebody of a partner or of the staff at a page about themselves, in no account: both above are None.
    is_outside: bool
