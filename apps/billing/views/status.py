"""How the subscription and its payments stand."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission

from ..pages.frame import charged, show
from ..pages.plan import status_context


@require_safe
@member_required(Permission.BILLING)
@charged
def status(request: MemberRequest) -> HttpResponse:
    """Subscription, payment status, next renewal, forecast, and what is unpaid (BIL-07, BIL-08)."""
    return show(request, "billing/status.html", "billing_status", status_context())
