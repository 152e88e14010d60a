"""The two pages about security; what stands on them comes from the panels (`panels.py`)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.permissions import Permission

from ..access import member_required, person_required
from ..http import MemberRequest
from ..panels import Page, panels_of


@require_safe
@person_required
def my_security(request: MemberRequest) -> HttpResponse:
    """How I sign in: password, second factor, devices (features ACC-10, SEC-01)."""
    return _page(request, "me")


@require_safe
@member_required(Permission.ACCOUNT_SETTINGS)
def security(request: MemberRequest) -> HttpResponse:
    """How everybody in this account gets in (features SEC-02…08)."""
    return _page(request, "everyone")


def _page(request: MemberRequest, page: Page) -> HttpResponse:
    shown = [panel for panel in panels_of(page) if panel.outside or not request.is_outside]
    cards = [(panel.template, panel.context(request)) for panel in shown]
    return render(request, f"accounts/security_{page}.html", {"cards": cards})
