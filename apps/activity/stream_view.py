"""Settings → Audit stream: where an account's audit is sent on to."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import EverkeepError
from apps.core.guard import guarded
from apps.core.permissions import Permission

from .forms import StreamForm
from .stream.services import require_whole_audit, stream_set, stream_state, stream_stop


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(Permission.ACCOUNT_SETTINGS, proof=True)
def audit_stream(request: HttpRequest) -> HttpResponse:
    """How it stands, and a form. A new secret is in the answer to the request that made it alone."""
    require_whole_audit()
    state = stream_state()
    form = StreamForm(request.POST or None, instance=state.stream)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = stream_set(**form.cleaned_data)
        except EverkeepError as error:
            form.add_error("address", f"{error.what} {error.do}".strip())
        else:
            if not secret:
                return redirect("audit_stream")
            state = stream_state()
    crumbs = [{"words": "Settings", "url": reverse("settings")}, {"words": "Audit stream", "url": ""}]
    context = {"form": form, "state": state, "secret": secret, "area": "settings", "crumbs": crumbs}
    return render(request, "activity/stream.html", context, status=422 if form.errors else 200)


@require_POST
@guarded(Permission.ACCOUNT_SETTINGS, proof=True)
def audit_stream_stop(request: HttpRequest) -> HttpResponse:
    """Send nothing any more."""
    stream_stop()
    return redirect("audit_stream")
