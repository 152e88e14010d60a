"""What all pages of billing share: tabs, and that nothing of them is there while billing is off."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.http import MemberRequest

from .trouble import silent_address

P = ParamSpec("P")
Page = Callable[Concatenate[MemberRequest, P], HttpResponseBase]

TABS = (
    ("billing", "Review"),
    ("billing_status", "Status"),
    ("billing_details", "Payment details"),
    ("billing_history", "History"),
)


def charged(page: Page[P]) -> Page[P]:
    """Only where something is charged; elsewhere the first page says that nothing is."""

    @wraps(page)
    def door(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return page(request, *args, **kwargs) if settings.BILLING else redirect("billing")

    return door


def show(
    request: MemberRequest, template: str, tab: str, context: dict[str, Any], *, below: str = ""
) -> HttpResponse:
    """Render a page under its tab; `below` names a page that stands under that one."""
    words = dict(TABS)[tab]
    crumbs = [{"words": "Billing", "url": reverse("billing")}]
    crumbs += [{"words": words, "url": reverse(tab)}] if tab != "billing" else []
    crumbs += [{"words": below, "url": ""}] if below else []
    tabs = [{"words": label, "url": reverse(name), "current": name == tab} for name, label in TABS]
    frame = {
        "area": "billing",
        "crumbs": crumbs,
        "tabs": tabs,
        "tab_words": below or words,
        "silent": silent_address(),
    }
    return render(request, template, {**frame, **context})


def leave(request: MemberRequest, tab: str, address: str) -> HttpResponse:
    """A page that leads on to the card processor: browsers stop a form that is redirected to another origin."""
    return show(request, "billing/leave.html", tab, {"address": address}, below="To Stripe")
