"""The browsers that a person is signed in with: how long that lasts, and its end at any moment.

A browser's session names a row of ours (`UserSession`). Each request asks for that row, so that taking it away
is the end at once, whatever keeps the browser's session.
"""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from apps.activity.audit import audit
from apps.core import clock
from apps.core.client_address import client_address
from apps.core.errors import Conflict
from apps.core.scope import ScopeMissing, current_account_id

from .browsers import browser_words
from .everywhere import audit_everywhere
from .models import User, UserSession

KEY = "user_session"
SEEN_EVERY = timedelta(minutes=1)


def session_opened(sender: object, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Signed in (Django gave the session a new key just now): note the browser."""
    _drop_row_of(request)
    row = UserSession.objects.create(
        user=user,
        address=client_address(request),
        browser=browser_words(request.META.get("HTTP_USER_AGENT", "")),
    )
    request.session[KEY] = str(row.public_id)


def session_closed(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Logged out: the row goes."""
    _drop_row_of(request)


def others_close(sender: object, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The password is another one: who came by the old one is out."""
    sessions_end(user, but=session_id_of(request))


def inactive_closed(sender: object, instance: User, **kwargs: Any) -> None:
    """A person who is switched off is out at once, and stays out when switched on again."""
    if not instance.is_active:
        sessions_end(instance)


def sessions_end(user: User, *, but: str = "") -> int:
    """End a person's sessions, but perhaps for one; returns how many."""
    rows = UserSession.objects.filter(user=user)
    return (rows.exclude(public_id=but) if but else rows).delete()[0]


def keep_or_close(request: HttpRequest) -> None:
    """Sign out whose session was ended or has lasted too long; note from time to time that it is in use."""
    if not request.user.is_authenticated or getattr(request, "token", None):
        return
    row = _row_of(request)
    if row is None or _is_over(row):
        _drop_row_of(request)
        request.session.flush()
        request.user = AnonymousUser()
        return
    now, address = clock.now(), client_address(request)
    if now - row.last_seen_at >= SEEN_EVERY or row.address != address:
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=now, address=address)


def sessions_of(user: User) -> list[UserSession]:
    """Those that are not over, the one used last first."""
    rows = UserSession.objects.filter(user=user).order_by("-last_seen_at", "-id")
    return [row for row in rows if not _is_over(row)]


@transaction.atomic
def session_end(user: User, public_id: UUID) -> None:
    """End one of a person's own. Raises Conflict when it is over already."""
    row = UserSession.objects.filter(user=user, public_id=public_id).first()
    if row is None:
        raise Conflict("This session is over already.")
    row.delete()
    _note(user, "session.ended", f"Ended the session of {row.browser}, {row.address}.", subject_id=public_id)


@transaction.atomic
def others_end(user: User, *, but: str) -> int:
    """End all of a person's own but the one in use; returns how many."""
    count = sessions_end(user, but=but)
    if count:
        _note(user, "session.others_ended", f"Ended all other sessions: {count}.", count=count)
    return count


def _note(user: User, code: str, description: str, **fields: Any) -> None:
    """In the account in force; who is in none has it in those that they belong to, or in the server's log."""
    try:
        current_account_id()
    except ScopeMissing:
        audit_everywhere(code, user=user, description=description, **fields)
    else:
        audit(code, description=description, **fields)


def forget_ended() -> None:
    """Delete the rows of sessions that nobody can use any more."""
    now = clock.now()
    over = Q(last_seen_at__lt=now - settings.SESSION_IDLE) | Q(created_at__lt=now - settings.SESSION_LIFETIME)
    UserSession.objects.filter(over).delete()


def session_id_of(request: HttpRequest) -> str:
    """The public id of the session in use, or ""."""
    return str(request.session.get(KEY, ""))


def _row_of(request: HttpRequest) -> UserSession | None:
    public_id = session_id_of(request)
    return (
        UserSession.objects.filter(public_id=public_id, user=cast(User, request.user)).first()
        if public_id
        else None
    )


def _drop_row_of(request: HttpRequest) -> None:
    public_id = session_id_of(request)
    if public_id:
        UserSession.objects.filter(public_id=public_id).delete()


def _is_over(row: UserSession) -> bool:
    now = clock.now()
    return now - row.last_seen_at > settings.SESSION_IDLE or now - row.created_at > settings.SESSION_LIFETIME
