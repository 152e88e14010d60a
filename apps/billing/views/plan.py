"""Choosing a plan, asking for a year, ending it, and taking that back."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.approvals import propose
from apps.accounts.http import MemberRequest
from apps.accounts.models import GuestMembership
from apps.accounts.sudo import sudo_required
from apps.core import clock
from apps.core.errors import PermissionMissing
from apps.core.permissions import Permission

from ..enums import Interval
from ..forms import AnnualForm
from ..pages.counted import counted_last
from ..pages.details import has_details
from ..pages.forecasts import forecast_for
from ..pages.frame import charged, show
from ..pages.plan import first_payment_words, plan_now, review_context
from ..services import (
    subscription_keep,
    subscription_of,
    subscription_refuse,
    subscription_request,
)
from ..services.plans import CANCEL, start_days

STEPS = ["Choose a plan", "Payment details", "Subscribe"]


@require_safe
@member_required(Permission.BILLING)
def review(request: MemberRequest) -> HttpResponse:
    """Monthly or annual, and what it comes to (BIL-01); that all is free while nothing is charged."""
    if not settings.BILLING:
        counted = counted_last()
        context = {"area": "billing", "counted": counted, "counted_on": counted[0].day if counted else None}
        return render(request, "billing/free.html", context)
    context = review_context(request.GET.get("interval", ""))
    return show(request, "billing/review.html", "billing", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.BILLING)
@charged
def annual(request: MemberRequest) -> HttpResponse:
    """Ask for a year (BIL-03, BIL-06): support confirms, then the invoice follows."""
    plan = plan_now()
    if not plan.is_none:
        return redirect("billing")
    days = start_days(clock.now().date())
    initial: dict[str, Any] = {
        "wanted_start": days[0],
        "contact_name": request.user.name,
        "contact_email": request.user.email,
    }
    form = AnnualForm(request.POST or None, initial=initial, days=days)
    if request.method == "POST" and form.is_valid():
        subscription_request(interval=Interval.YEAR, **form.cleaned_data)
        messages.success(request, "Your request was sent. Support asks you to confirm it.")
        return redirect("billing")
    forecast = forecast_for(plan.plan, Interval.YEAR)
    context = {
        "form": form,
        "steps": STEPS,
        "at": 2,
        "has_details": has_details(),
        "details_url": f"{reverse('billing_details')}?plan=year",
        "forecast": forecast,
        "forecast_title": "What a year comes to",
        "when": first_payment_words(forecast),
    }
    return show(request, "billing/annual.html", "billing", context, below="Annual subscription")


@require_POST
@member_required(Permission.BILLING)
@charged
def subscribe(request: MemberRequest) -> HttpResponse:
    """The monthly plan begins; the trial's rest stays free."""
    plan = subscription_request(interval=Interval.MONTH)
    first = f" The first payment is on {plan.started_on:%-d %B %Y}." if plan.started_on else ""
    messages.success(request, f"You are subscribed.{first}")
    return redirect("billing_status")


@require_POST
@member_required(Permission.BILLING)
@charged
def withdraw(request: MemberRequest) -> HttpResponse:
    """Take the request for a year back, while support has not answered it."""
    subscription_refuse(subscription_of(), why="Taken back by who asked for it.")
    messages.success(request, "The request is taken back.")
    return redirect("billing")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.BILLING)
@charged
@sudo_required(reading=True)
def cancel(request: MemberRequest) -> HttpResponse:
    """Ask once more, then let the subscription end with what is paid, or wait for a second administrator.

    The account ends with its plan, so no guest does this, whatever their role.
    """
    plan = plan_now()
    if not plan.may_cancel:
        return redirect("billing")
    if isinstance(request.membership, GuestMembership):
        raise PermissionMissing(
            "Only people of the account's own may end its subscription.", do="Ask one of its administrators."
        )
    if request.method == "POST":
        proposed = propose(CANCEL, {}, "Cancel the subscription")
        cancelled = "The subscription is cancelled."
        if plan_now().may_keep:
            cancelled += " You can take that back until its last day."
        messages.success(request, cancelled if proposed.done else proposed.said)
        return redirect("billing")
    return show(request, "billing/cancel.html", "billing", {"plan": plan}, below="Cancel the subscription")


@require_POST
@member_required(Permission.BILLING)
@charged
def keep(request: MemberRequest) -> HttpResponse:
    """Take the cancellation back."""
    subscription_keep(subscription_of())
    messages.success(request, "The subscription goes on.")
    return redirect("billing")
