"""The page behind the link of a mail: without a session, and it tells nothing of the account."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ..unsubscribing import wish_fulfil, wish_of


@csrf_exempt  # mail programs post by themselves (RFC 8058); the signed link is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask (GET: mail filters follow links), then write no such letters any more (POST)."""
    wish = wish_of(token)
    if request.method == "POST":
        wish_fulfil(wish)
    context = {"kind": wish.kind, "address": wish.address, "done": request.method == "POST"}
    response = render(request, "notifications/unsubscribe.html", context)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    return response
