"""Places that exports go to: listed, added, tested, taken out."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.errors import EverkeepError
from apps.core.permissions import Permission

from ..access import destination_for
from ..exports.destinations.services import destination_add, destination_remove, destination_test
from ..exports.forms import DestinationForm
from ..models import Destination


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required(reading=True)
def page(request: MemberRequest) -> HttpResponse:
    """List the destinations, with a form that adds one once it works."""
    form = DestinationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = destination_add(**form.cleaned_data)
        except EverkeepError as error:
            form.add_error(None, f"Nothing was added. {error}")
        else:
            messages.success(request, f"{added.name} works and was added.")
            return redirect("recovery_destinations")
    context = {
        "form": form,
        "places": Destination.objects.order_by("name", "pk"),
        "area": "recovery",
        "crumbs": [
            {"words": "Recovery", "url": reverse("recovery")},
            {"words": "Export destinations", "url": ""},
        ],
    }
    return render(request, "recovery/destinations.html", context)


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
def test(request: MemberRequest, destination_id: UUID) -> HttpResponse:
    """Try whether it takes files now."""
    found = destination_test(destination_for(destination_id))
    if found.trouble:
        messages.error(request, f"{found.name} does not work. {found.trouble}")
    else:
        messages.success(request, f"{found.name} works.")
    return redirect("recovery_destinations")


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def remove(request: MemberRequest, destination_id: UUID) -> HttpResponse:
    """Forget a destination."""
    found = destination_for(destination_id)
    destination_remove(found)
    messages.success(request, f"{found.name} was removed. What lies there was not touched.")
    return redirect("recovery_destinations")
