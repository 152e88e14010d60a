"""Why am I billed for this? The list behind a count."""

from datetime import date
from typing import Any

from django.db import transaction
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.activity.audit import audit
from apps.activity.registry import service_words
from apps.core.errors import NotFound
from apps.core.permissions import Permission, allowed

from ..enums import Unit
from ..models import MeterDay
from ..pages.counted import in_units
from ..pages.frame import show
from ..pages.invoices import uuid_in
from ..pages.why import count_of, days_of, lines_page, why_csv


@require_safe
@member_required(Permission.BILLING)
def why(request: MemberRequest, service: str, unit: str) -> HttpResponseBase:
    """Every entity that was counted on a day, and by which rule."""
    count = _count(request, service, unit)
    page, lines = lines_page(count, before=uuid_in(request.GET, "before"), after=uuid_in(request.GET, "after"))
    words = service_words(service)
    here = f"{request.path}?day={count.day:%Y-%m-%d}"
    context: dict[str, Any] = {
        "title": f"{words}: what is counted",
        "sentence_of_day": f"{in_units(count.quantity, unit)} found, {in_units(count.billable, unit)} billed.",
        "day": count.day,
        "days": days_of(service, unit),
        "lines": lines,
        "names": allowed(Permission.VIEW),
        "by_size": count.unit == Unit.GB,
        "csv_url": f"{reverse('billing_why_csv', args=[service, unit])}?day={count.day:%Y-%m-%d}",
        "previous_url": f"{here}&before={page.previous}" if page.previous else "",
        "next_url": f"{here}&after={page.following}" if page.following else "",
        "sentence": "",
    }
    return show(request, "billing/why.html", "billing", context, below=words)


@require_safe
@member_required(Permission.BILLING)
def why_file(request: MemberRequest, service: str, unit: str) -> HttpResponseBase:
    """The same list as CSV."""
    count = _count(request, service, unit)
    words = f"{service_words(service)}, {count.day:%-d %B %Y}"
    with transaction.atomic():
        audit("billing.list_downloaded", description=words, service=service)
    answer = StreamingHttpResponse(why_csv(count), content_type="text/csv; charset=utf-8")
    name = f"billing-{count.service}-{count.day:%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _count(request: MemberRequest, service: str, unit: str) -> MeterDay:
    count = count_of(service, unit, _day(request))
    if count is None:
        raise NotFound("Nothing was counted there on this day.", do="Choose another day under Billing.")
    return count


def _day(request: MemberRequest) -> date | None:
    try:
        return date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None
