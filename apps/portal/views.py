"""Pages that belong to no app below: home, help, support."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.services import user_prefer_rows
from apps.core.htmx import render_page_or_part
from apps.core.navigation import sections
from apps.core.permissions import Permission, allowed, require

from .help import TOPICS
from .home import home_page
from .sample import sample_offered, sample_task
from .wishes import ORDERS, Wishes


@require_safe
@member_required()
def home(request: MemberRequest) -> HttpResponse:
    """The list of backup tasks, what needs somebody first."""
    if not allowed(Permission.BACKUPS_PAGE):
        if allowed(Permission.BILLING):
            return redirect("billing")
        return render(request, "portal/home_closed.html")
    rows, wishes = request.user.prefers_rows, Wishes.from_query(request.GET)
    context = {
        "page": home_page(request.account.public_id, wishes, rows=rows),
        "rows": rows,
        "orders": [(key, label) for key, (label, _) in ORDERS.items()],
        "may_add": allowed(Permission.MODIFY),
        "sample_offered": sample_offered(),
    }
    return render_page_or_part(request, "portal/home.html", "portal/_tasks.html", context)


@require_POST
@member_required(Permission.BACKUPS_PAGE)
def choose_view(request: MemberRequest) -> HttpResponse:
    """Cards or rows, from now on; back to what was filtered."""
    user_prefer_rows(user=request.user, rows=request.POST.get("view") == "rows")
    return redirect(f"{reverse('home')}{Wishes.from_query(request.GET).query}")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.MODIFY)
def try_sample(request: MemberRequest) -> HttpResponse:
    """Say what the sample organisation is, then connect it and open its task."""
    if not sample_offered():
        raise Http404
    if request.method == "POST":
        task = sample_task()
        messages.info(request, "The sample organisation is connected. All of its mail is invented.")
        return redirect("task", task.public_id)
    crumbs = [{"words": "Home", "url": reverse("home")}, {"words": "Sample organisation", "url": ""}]
    return render(request, "portal/sample.html", {"area": "home", "crumbs": crumbs})


@require_safe
@member_required()
def settings_index(request: MemberRequest) -> HttpResponse:
    """What can be set for this account, by who looks at it."""
    found = sections()
    if not found:
        require(Permission.ACCOUNT_SETTINGS)
    entries = [(section, section.note() if section.note else "") for section in found]
    return render(request, "portal/settings.html", {"entries": entries})


@require_safe
@member_required()
def support(request: MemberRequest) -> HttpResponse:
    """How to ask for help, with the reference numbers that lead to what happened."""
    return render(request, "portal/support.html", {"topics": TOPICS.values()})


@require_safe
def help_index(request: HttpRequest) -> HttpResponse:
    """All help pages."""
    return render(request, "portal/help.html", {"topics": TOPICS.values()})


@require_safe
def help_topic(request: HttpRequest, key: str) -> HttpResponse:
    """One help page."""
    if key not in TOPICS:
        raise Http404
    context = {
        "topic": TOPICS[key],
        "topics": TOPICS.values(),
        "body": f"portal/help/{key}.html",
        "area": "support",
        "crumbs": [{"words": "Help", "url": reverse("help")}, {"words": TOPICS[key].title, "url": ""}],
    }
    return render(request, "portal/help_topic.html", context)
