"""The advanced search, and the searches that a person keeps."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require_contents

from .. import saved as searches
from ..forms import BY_NAME, KINDS_OF_DATA, AdvancedForm


@require_safe
@member_required(Permission.VIEW)
def advanced(request: MemberRequest) -> HttpResponse:
    """Fill in a form of one kind of data; what comes of it is typed into the search field."""
    require_contents()
    asked = request.GET
    kind = BY_NAME.get(asked.get("kind", ""), KINDS_OF_DATA[0])
    form = AdvancedForm(kind, asked) if "find" in asked else AdvancedForm(kind, words=asked.get("q", ""))
    if form.is_bound and form.is_valid():
        return redirect(f"{reverse('search')}?{urlencode({'q': form.text})}")
    address, text = reverse("search_advanced"), asked.get("q", "")
    context = {
        "form": form,
        "tabs": [
            {
                "words": each.label,
                "url": f"{address}?{urlencode({'kind': each.name, **({'q': text} if text else {})})}",
                "current": each is kind,
            }
            for each in KINDS_OF_DATA
        ],
        **_frame("Advanced search"),
    }
    return render(request, "search/advanced.html", context)


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest) -> HttpResponse:
    """List the person's saved searches; with a search in the address, offer to save it."""
    require_contents()
    text, filters = searches.asked_in(request.GET)
    context = {
        "saved": [(each, searches.address_of(each)) for each in searches.saved_searches()],
        "text": text,
        "filters": filters,
        **_frame("Saved searches"),
    }
    return render(request, "search/saved.html", context)


@require_POST
@member_required(Permission.VIEW)
def save(request: MemberRequest) -> HttpResponse:
    """Keep a search under a name."""
    text, filters = searches.asked_in(request.POST)
    try:
        kept = searches.search_save(name=request.POST.get("name", ""), text=text, filters=filters)
    except (Conflict, InvalidRequest) as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('search_saved')}?{urlencode([('q', text), *filters])}")
    messages.info(request, f"Saved as {kept.name}.")
    return redirect("search_saved")


@require_POST
@member_required(Permission.VIEW)
def change(request: MemberRequest, saved_id: UUID) -> HttpResponse:
    """Rename a saved search, or delete it."""
    saved = searches.saved_search_for(saved_id)
    try:
        if request.POST.get("action") == "delete":
            searches.search_forget(saved=saved)
            messages.info(request, f"Saved search {saved.name} deleted.")
        else:
            searches.search_rename(saved=saved, name=request.POST.get("name", ""))
            messages.info(request, f"The saved search is called {saved.name} now.")
    except (Conflict, InvalidRequest) as error:
        messages.error(request, str(error))
    return redirect("search_saved")


def _frame(title: str) -> dict[str, object]:
    return {
        "area": "search",
        "crumbs": [{"words": "Search", "url": reverse("search")}, {"words": title, "url": ""}],
    }
