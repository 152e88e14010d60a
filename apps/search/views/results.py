"""Searching everything kept: the page, its further rows, the file."""

from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed, require_contents
from apps.core.spreadsheet import csv_lines
from apps.core.streams import as_now

from .. import selectors
from ..asked import ORDERS, Asked
from ..files import CSV_LIMIT, HEADER, csv_rows
from ..index.engine import Total
from ..noting import TAKEN, note_search
from ..pages import results_page, searched
from ..rights import may_look_inside
from ..understood import understood


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest) -> HttpResponse:
    """Show what was found; htmx gets the results, or only the next ones."""
    require_contents()
    asked, after = Asked.of(request.GET), request.GET.get("after", "")
    goes_on = bool(after) and bool(getattr(request, "htmx", False))
    context = {
        "asked": asked, "orders": ORDERS, "area": "search", "may_look_inside": may_look_inside(),
        "may_restore": allowed(Permission.RESTORE), "may_export": allowed(Permission.EXPORT),
        "may_erase": allowed(Permission.ERASE),
    }  # fmt: skip
    if asked.is_empty:
        return render_page_or_part(request, "search/page.html", "search/_found.html", context)
    try:
        found = searched(request.account.pk, asked)
        context["page"] = shown = results_page(found, after, goes_on=goes_on)
    except InvalidRequest as problem:
        context["problem"] = problem
        return render_page_or_part(request, "search/page.html", "search/_found.html", context)
    note_search(found, None if goes_on else shown.total)
    if goes_on:
        return render_page_or_part(request, "search/page.html", "search/_hits.html", context)
    context |= {"understood": understood(asked.words()), "lag": selectors.lag(request.account.pk)}
    return render_page_or_part(request, "search/page.html", "search/_found.html", context)


@require_safe
@member_required(Permission.VIEW)
def csv_file(request: MemberRequest) -> StreamingHttpResponse | HttpResponse:
    """Hand out the results as a table for spreadsheets, made while it is sent."""
    require_contents()
    asked = Asked.of(request.GET)
    found = searched(request.account.pk, asked)
    total = selectors.count(request.account.pk, found.query(), scope=found.scope)
    note_search(found, min(total, Total(CSV_LIMIT)), TAKEN)
    lines: Iterator[str] = csv_lines(HEADER, csv_rows(found, as_now()))
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="search-{clock.now():%Y-%m-%d}.csv"'},
    )
