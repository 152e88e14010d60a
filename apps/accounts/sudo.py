"""Dangerous acts want a fresh proof that the person at the open session is still the same one.

    @require_POST
    @member_required(Permission.ACCOUNT_SETTINGS)
    @sudo_required()
    def shred(request): ...

Who signed in, or proved themselves on our page, within FRESH is let through. Everybody else is asked there
and comes back to the page they came from; what they had posted is not done on the way: it stands in the form
again (`typed`), and they confirm.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from . import typed
from .http import MemberRequest

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
Careful = Callable[Concatenate[R, P], HttpResponseBase]

FRESH = timedelta(minutes=5)
_READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Way:
    """Another way to prove oneself than those of our page: `words` of a link to `url`, which ends at `next`."""

    words: str
    url: str


_ways: list[Callable[[MemberRequest, str], Way | None]] = []


def register_way(way: Callable[[MemberRequest, str], Way | None]) -> None:
    """Offer a fresh sign-in somewhere else: `way(request, next)`, None for who does not sign in there.

    Whoever comes back must have been asked there anew, and must have been signed in by allauth, which writes
    down when. Called in `AppConfig.ready()`.
    """
    _ways.append(way)


def ways_of(request: MemberRequest, following: str) -> list[Way]:
    """Where else this person can prove who they are."""
    return [found for way in _ways if (found := way(request, following)) is not None]


def sudo_required(*, reading: bool = False) -> Callable[[Careful[R, P]], Careful[R, P]]:
    """Ask for a fresh proof before the page acts (`reading`: is shown). Stands below `member_required`."""

    def guard(page: Careful[R, P]) -> Careful[R, P]:
        @wraps(page)
        def careful(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            answer = None if request.method in _READING and not reading else ask_again(request)
            return answer or page(request, *args, **kwargs)

        return careful

    return guard


def ask_again(request: HttpRequest) -> HttpResponse | None:
    """The answer that leads to our page and back, or None when there is a fresh proof."""
    if is_fresh(request):
        return None
    place = _place_of(request)
    if request.method == "POST":
        typed.keep(request, place)
    url = f"{reverse('sudo')}?{urlencode({'next': place})}"
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else HttpResponseRedirect(url)


def is_fresh(request: HttpRequest) -> bool:
    """Whether this session proved within FRESH who sits at it."""
    moments = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(moments) and 0 <= time.time() - moments[-1] < FRESH.total_seconds()


def proved(request: MemberRequest, method: str) -> None:
    """Keep in the session that a fresh proof was given, and by what."""
    record_authentication(request, request.user, method=method, reauthenticated=True)


def safe_next(request: HttpRequest) -> str:
    """Where to go on to: a path of ours, else the home page."""
    following = request.POST.get("next") or request.GET.get("next") or ""
    ours = following.startswith("/") and url_has_allowed_host_and_scheme(following, allowed_hosts=None)
    return following if ours else reverse("home")


def _place_of(request: HttpRequest) -> str:
    """The page to come back to: the one that was asked for, or the one from which something was posted."""
    htmx = getattr(request, "htmx", None)
    if not htmx and request.method in _READING:
        return request.get_full_path()
    came_from = urlsplit((htmx.current_url if htmx else request.META.get("HTTP_REFERER")) or "")
    if came_from.netloc != request.get_host():
        return reverse("home")
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")
