"""One place decides between a whole page and the part that htmx asked for."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_page_or_part(
    request: HttpRequest, page: str, part: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render `part` for an htmx request that is not boosted or a history restore, else `page`.

    `page` includes `part`, so both show the same. `Vary` keeps caches from mixing them.
    """
    htmx = getattr(request, "htmx", None)
    wants_part = htmx is not None and bool(htmx) and not (htmx.boosted or htmx.history_restore_request)
    response = render(request, part if wants_part else page, context, status=status)
    response.headers["Vary"] = "HX-Request"
    return response
