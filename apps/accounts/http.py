"""The request that a page behind `member_required` gets."""

from django.http import HttpRequest

from .models import Account, Membership, User


class MemberRequest(HttpRequest):
    """A request of somebody who is signed in and belongs to the account in force."""

    user: User
    account: Account
    membership: Membership
