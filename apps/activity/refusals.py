"""A refused request leaves an entry in the audit of the account in which it was made."""

from django.http import HttpRequest

from apps.core.errors import PermissionMissing

from .audit import audit_once
from .models import ActivityStatus


def note_refusal(request: HttpRequest, error: PermissionMissing) -> None:
    """Write who was refused what. A 404 leaves none: what is not there and what is another's are one answer."""
    if getattr(request, "membership", None) is None:
        return
    audit_once(
        "access.refused",
        status=ActivityStatus.REFUSED,
        description=f"{error.what} {request.method} {_place(request)}",
        path=request.path[:300],
    )


def _place(request: HttpRequest) -> str:
    """The address without the ids in it: trying one id after the other is one entry, not thousands."""
    match = request.resolver_match
    return "/" + match.route if match else request.path
