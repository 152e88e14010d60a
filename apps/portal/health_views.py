"""Views of the Health page: look, check now, cancel, download the report of a drill."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import Conflict, InvalidRequest
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed
from apps.recovery.services import drill_file, report_key
from apps.vault.enums import ORDERED_TIERS, CheckTier
from apps.vault.health import check_cancel, check_order

from .health import check_for, drill_for, health_page


@require_safe
@member_required(Permission.VIEW)
def health(request: MemberRequest) -> HttpResponse:
    """Show how sound the backups are."""
    context = {
        "page": health_page(),
        "may_check": allowed(Permission.EXECUTE),
        "may_cancel": allowed(Permission.CANCEL),
        "tiers": [(tier.value, tier.label) for tier in ORDERED_TIERS],
        "report_key": report_key(),
    }
    return render_page_or_part(request, "portal/health.html", "portal/_health_live.html", context)


@require_POST
@member_required(Permission.EXECUTE)
def check_now(request: MemberRequest) -> HttpResponse:
    """Order a check."""
    tier = request.POST.get("tier", CheckTier.SAMPLE)
    if tier not in ORDERED_TIERS:
        raise InvalidRequest("There is no such kind of check.", do="Choose one from the list.")
    try:
        check_order(account_id=request.account.pk, tier=CheckTier(tier))
    except Conflict as error:
        messages.warning(request, str(error))
    return redirect("health")


@require_POST
@member_required()
def cancel(request: MemberRequest, check_id: UUID) -> HttpResponse:
    """Stop a check after the pack it is at."""
    check_cancel(check=check_for(check_id, Permission.CANCEL))
    return redirect("health")


@require_safe
@member_required()
def report(request: MemberRequest, drill_id: UUID) -> HttpResponse:
    """Hand out the signed report of a drill."""
    drill = drill_for(drill_id)
    response = HttpResponse(drill_file(drill), content_type="application/json")
    name = f"restore-drill-{drill.started_at:%Y%m%d}.json"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
