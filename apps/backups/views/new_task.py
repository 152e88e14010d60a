"""Add a backup task: choose a service, then a name and the organisation to protect."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.connectors.models import Connection
from apps.core.permissions import Permission

from .. import selectors
from ..forms import NewTaskForm
from ..services.tasks import create_task

CRUMBS = [{"words": "Home", "url": "/"}, {"words": "Add backup task", "url": ""}]


@require_safe
@member_required(Permission.MODIFY)
def services(request: MemberRequest) -> HttpResponse:
    """The list of services with what each includes; those not built yet are named as such."""
    context = {"families": selectors.service_families(), "crumbs": CRUMBS, "area": "home"}
    return render(request, "backups/new_services.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def connect(request: MemberRequest, service: str) -> HttpResponse:
    """Name the task and choose an organisation, or go and connect one and come back."""
    choice = selectors.built_service(service)
    if choice is None:
        raise Http404
    connections = selectors.usable_connections()
    if request.method == "POST":
        if "connect" in request.POST:
            return redirect(_connect_url(request))
        form = NewTaskForm(request.POST, connections=connections)
        if form.is_valid():
            task = create_task(service=choice.service, **form.cleaned_data)
            messages.info(request, f"“{task.name}” is made. Nothing is backed up until you activate it.")
            return redirect("task", task.public_id)
    else:
        form = NewTaskForm(initial=_initial(request, choice, connections), connections=connections)
    context = {"choice": choice, "form": form, "connections": connections, "crumbs": CRUMBS, "area": "home"}
    return render(request, "backups/new_connect.html", context)


def _initial(
    request: MemberRequest, choice: selectors.ServiceChoice, connections: list[Connection]
) -> dict[str, str]:
    """The name typed before connecting, and the connection made meanwhile."""
    newest = str(connections[0].public_id) if connections else ""
    return {
        "name": request.GET.get("name") or selectors.suggested_name(choice.service),
        "connection": request.GET.get("connection") or newest,
    }


def _connect_url(request: MemberRequest) -> str:
    """Where an organisation is connected; it leads back here with the name typed so far."""
    back = f"{request.path}?{urlencode({'name': request.POST.get('name', '')[:200]})}"
    return f"{reverse('connection_new')}?{urlencode({'next': back})}"
