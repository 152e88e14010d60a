"""What still works in an account that is being closed, or whose trial is over (gate 20).

Reading does, and so do restores, exports and paying: who leaves may take their data along until the last day.
Everything else is shut, whatever a person's rights are. While the account is being deleted nothing works.
"""

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.core import navigation
from apps.core.banners import Banner
from apps.core.errors import PermissionMissing
from apps.core.permissions import Permission, allowed

from ..enums import AccountState
from ..models import Account
from ..saml.gate import OPEN
from .trial import days_left, is_over

READING: Final = ("GET", "HEAD", "OPTIONS")
# One's own sign-in and way out concern the person, not the account; so does the company's way in (OPEN).
PERSONAL: Final = ("/me/", "/sign-out/", "/sudo/", "/accounts/", "/partner/", "/staff/", "/guest/")
ELSEWHERE: Final = ("account_switch", "invitation")  # the way to other accounts
OPEN_WHILE_CLOSING: Final = (
    *("recovery_", "job_cancel", "account_state", "account_reactivate", "account_leave"),
    "billing",  # who wants to pay may
)
SHUT_TO_READING: Final = ("connection_authenticate", "connection_consented", "connection_signed_in")


def closed_gate(request: HttpRequest) -> HttpResponseBase | None:
    """The answer where the state of the account in force forbids what is asked for."""
    account: Account = request.account  # type: ignore[attr-defined]
    ending = account.state == AccountState.ENDING
    if not ending and account.state != AccountState.CLOSING and not is_over(account):
        return None
    name = str(getattr(request.resolver_match, "url_name", "") or "")
    if request.path.startswith(PERSONAL) or name in OPEN or name in ELSEWHERE:
        return None
    if ending:
        return None if name == "account_state" else _to_the_state(request)
    if name == "home" and request.method in READING and allowed(Permission.BACKUPS_PAGE):
        return redirect("account_state")
    if name.startswith(OPEN_WHILE_CLOSING) or (request.method in READING and name not in SHUT_TO_READING):
        return None
    return _refuse(request, account)


def _to_the_state(request: HttpRequest) -> HttpResponseBase:
    if request.path.startswith("/api/"):
        return _as_json("This account is being deleted.", "", status=410)
    return redirect("account_state")


def _refuse(request: HttpRequest, account: Account) -> HttpResponse:
    what = (
        "This account is being closed."
        if account.state == AccountState.CLOSING
        else "The trial of this account is over."
    )
    do = "Until then you can look at everything, restore and export. Nothing can be changed."
    if request.path.startswith("/api/"):
        return _as_json(what, do, status=403)
    return render(request, "errors/error.html", {"error": PermissionMissing(what, do=do)}, status=403)


def _as_json(what: str, do: str, *, status: int) -> JsonResponse:
    return JsonResponse({"code": "account_closing", "detail": what, "do": do}, status=status)


def life_banner(request: HttpRequest) -> Banner | None:
    """What is about to end: the account, or its trial."""
    account: Account = request.account  # type: ignore[attr-defined]
    url = reverse("account_state")
    if account.state == AccountState.CLOSING and account.closes_at:
        return Banner(
            "This account is being closed.",
            f"Everything is deleted after {account.closes_at:%-d %B %Y}.",
            url,
            "See what happens",
            "warn",
        )
    left = days_left(account)
    if left is None:
        return None
    subscribe = navigation.link("subscribe") if allowed(Permission.BILLING) else ""
    if is_over(account):
        words = "Subscribe" if subscribe else "See what you can do"
        return Banner("Your trial is over.", "Nothing is backed up any more.", subscribe or url, words, "warn")
    days = "1 day" if left == 1 else f"{left} days"
    words = "Subscribe" if subscribe else "See what happens"
    return Banner(f"{days} of your trial left.", "Then backups stop.", subscribe or url, words, "clock")
