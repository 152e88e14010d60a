"""What stands around the words that were found."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import InvalidRequest
from apps.core.permissions import Permission

from ..access import places_at
from ..asked import Asked
from ..excerpts import excerpts_of
from ..shown import shown_by


@require_safe
@member_required(Permission.PREVIEW)
def excerpts(request: MemberRequest) -> HttpResponse:
    """Show what stands around the words, of the items of a page of results that the person was shown."""
    page = shown_by(request.GET.get("page", ""))
    try:
        found = excerpts_of(places_at(page.places), Asked(page.text).words()) if page else []
    except InvalidRequest:
        found = []
    return render(request, "search/_excerpts.html", {"excerpts": found})
