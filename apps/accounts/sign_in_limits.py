"""How often a password may be tried, so that nobody guesses for long and nobody is kept out by a stranger.

Three budgets: of a name from one address; of a name from everywhere; and of a name on a device that has
signed in with it before, which neither of the others touches. Unknown names are counted like known ones.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from .limits import Limit, address_of, forget, give_back, take

FROM_ADDRESS = Limit("sign_in.pair", 5, timedelta(minutes=1))
FROM_EVERYWHERE = Limit("sign_in.name", 100, timedelta(seconds=36))
ON_DEVICE = Limit("sign_in.device", 10, timedelta(minutes=1))

COOKIE = "everkeep-device"
_AGE = timedelta(days=180)
_PEOPLE_PER_DEVICE = 5
_SALT = "everkeep.device"


def sign_in_take(request: HttpRequest, email: str) -> bool:
    """Count one try. False: it must not be made."""
    return all(take(limit, *who) for limit, who in _budgets(request, email))


def sign_in_give_back(request: HttpRequest, email: str) -> None:
    """The password was right."""
    for limit, who in _budgets(request, email):
        give_back(limit, *who)


def sign_in_forget(request: HttpRequest, email: str) -> None:
    """A new password was set by who reads the mailbox: a fresh budget, here and everywhere."""
    name = email.lower()
    forget(FROM_ADDRESS, name, address_of(request))
    forget(FROM_EVERYWHERE, name)


def remember_device(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Give the browser a signed cookie that says who signed in on it; it opens nothing."""
    device, people = _device(request)
    ours = _shortened(email)
    people = [ours, *(one for one in people if one != ours)][:_PEOPLE_PER_DEVICE]
    value = signing.dumps([device or secrets.token_urlsafe(12), people], salt=_SALT)
    response.set_cookie(
        COOKIE, value, max_age=_AGE, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )


def _budgets(request: HttpRequest, email: str) -> list[tuple[Limit, tuple[str, ...]]]:
    name = email.lower()
    device, people = _device(request)
    if device and _shortened(email) in people:
        return [(ON_DEVICE, (name, device))]
    return [(FROM_ADDRESS, (name, address_of(request))), (FROM_EVERYWHERE, (name,))]


def _device(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        device, people = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return "", []
    return str(device), list(people)


def _shortened(email: str) -> str:
    return salted_hmac(_SALT, email.lower(), algorithm="sha256").hexdigest()[:20]
