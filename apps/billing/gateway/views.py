"""Doors for Stripe and for who comes back from it."""

import logging
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import NotFound, RemoteError
from apps.core.permissions import Permission

from ..enums import PagePurpose, PageState
from ..models import HostedPage
from . import tasks
from .errors import EventRefused
from .events import event_take
from .hosted import page_look

logger = logging.getLogger("everkeep.billing")

LARGEST: Final = 256 * 1024  # bytes of an event


@csrf_exempt
@never_cache
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Takes an event: judged by its signature alone, kept, and handled by a worker. Answers at once."""
    if not (settings.BILLING and settings.STRIPE_KEY):
        raise Http404
    length = request.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > LARGEST:
        return HttpResponse("Too large, or of no length.\n", status=413, content_type="text/plain")
    try:
        event = event_take(request.read(LARGEST + 1), request.headers.get("Stripe-Signature", ""))
    except EventRefused as refused:
        logger.warning("an event was refused: %s", refused.what)
        return HttpResponse(f"{refused.what}\n", status=400, content_type="text/plain")
    if event is not None and event.account_id is not None:
        tasks.handle_event.after_commit(account_id=event.account_id, event_id=event.pk)
    return HttpResponse("Thank you.\n", content_type="text/plain")


@never_cache
@require_safe
@member_required(Permission.BILLING)
def came_back(request: MemberRequest, page_id: UUID) -> HttpResponse:
    """Stripe sent the browser back. What came of the visit is asked of Stripe, not of the address."""
    page = _page(page_id)
    try:
        page = page_look(page)
    except RemoteError as error:
        logger.warning("visit %s could not be looked at: %s", page_id, error)
        messages.info(request, "We have not heard from Stripe yet. This page shows it within minutes.")
        return redirect(page.back_to)
    if page.state == PageState.DONE and page.purpose == PagePurpose.CARD:
        messages.success(request, "Your card was added.")
    elif page.state == PageState.DONE:
        messages.success(request, "Thank you: your payment has arrived.")
    else:
        messages.info(request, "Nothing was changed, and nothing was charged.")
    return redirect(page.back_to)


@never_cache
@require_safe
@member_required(Permission.BILLING)
def left(request: MemberRequest, page_id: UUID) -> HttpResponse:
    """Who turned back before the end. The page stays open at Stripe: they may go there again."""
    return redirect(_page(page_id).back_to)


def _page(page_id: UUID) -> HostedPage:
    page = HostedPage.objects.filter(public_id=page_id).first()
    if page is None:
        raise NotFound("This visit does not exist.")
    return page
