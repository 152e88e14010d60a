"""What a browser's session knows: questions that it took to a provider, and the account that it is bound to.

A session that a provider opened belongs to that provider's account alone. Whoever runs a provider can make it
assert any address, so such a session never reaches the person's other accounts, nor anything that is the
person's own (`gate`). It ends when company sign-in is switched off.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth import login
from django.http import HttpRequest

from apps.core import clock

from ..models import Account, User
from ..sudo import FRESH

Purpose = Literal["sign_in", "test", "confirm"]
ASKED_FOR: Final = 15 * 60
_MOST_ASKED: Final = 5
_ASKED: Final = "saml_asked"
_BOUND: Final = "saml_session"
_BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True)
class Question:
    """A request that this browser took to a provider; only this browser may use the answer, once."""

    account: str
    purpose: Purpose
    following: str
    at: float


@dataclass(frozen=True)
class Bound:
    """This session was opened by the provider of `account` (a public id) and is good for nothing else."""

    account: str
    at: float
    until: float | None = None


def remember_question(request: HttpRequest, request_id: str, question: Question) -> None:
    """Keep the question; the oldest ones give way, so that a session does not grow."""
    asked: dict[str, Any] = request.session.get(_ASKED, {})
    newest = sorted(asked.items(), key=lambda item: item[1]["at"])[-(_MOST_ASKED - 1) :]
    request.session[_ASKED] = {**dict(newest), request_id: asdict(question)}


def question_of(request: HttpRequest, request_id: str) -> Question | None:
    """Take the question out of the session, or None when this browser did not ask it (lately)."""
    asked: dict[str, Any] = request.session.get(_ASKED, {})
    found = asked.pop(request_id, None)
    request.session[_ASKED] = asked
    question = Question(**found) if found else None
    return question if question and clock.now().timestamp() - question.at < ASKED_FOR else None


def bound_to(request: HttpRequest) -> Bound | None:
    """The account that this session may enter, and no other; None for a session of the person's own."""
    found = request.session.get(_BOUND)
    return Bound(**found) if found else None


def bind(request: HttpRequest, account: Account, until: datetime | None = None) -> None:
    """From now on this session is good for `account` alone. Only the end of the session undoes it."""
    bound = Bound(str(account.public_id), clock.now().timestamp(), until.timestamp() if until else None)
    request.session[_BOUND] = asdict(bound)
    request.session["account"] = str(account.public_id)


def sign_in(
    request: HttpRequest, user: User, account: Account, *, authenticated_at: datetime, until: datetime | None
) -> None:
    """Open a new session of `user`, bound to `account`; whoever was signed in here before is not any more.

    Somebody whom the provider let through without asking has not just proved who they are (`sudo`).
    """
    request.session.flush()
    bind(request, account, until)
    if clock.now() - authenticated_at < FRESH:
        record_authentication(request, user, method="saml")
    login(request, user, backend=_BACKEND)
