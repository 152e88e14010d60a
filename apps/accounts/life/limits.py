"""How many mails one person may have sent to addresses that they name."""

from datetime import timedelta

from django.contrib import messages

from ..http import MemberRequest
from ..limits import Limit, take

TO_NEW_ADDRESSES = Limit("address.mail", 5, timedelta(minutes=10))


def mail_is_allowed(request: MemberRequest) -> bool:
    """Count one mail; says on the page when it was one too many."""
    if take(TO_NEW_ADDRESSES, request.user.pk):
        return True
    messages.error(request, "Too many mails. Wait ten minutes, then try again.")
    return False
