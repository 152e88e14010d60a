"""The browsers that I am signed in with (panel of `my_security`)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from .. import sessions
from ..access import person_required
from ..http import MemberRequest

LIST = "/me/#sessions"


def card(request: MemberRequest) -> dict[str, Any]:
    """What the panel shows."""
    this = sessions.session_id_of(request)
    rows = [(row, str(row.public_id) == this) for row in sessions.sessions_of(request.user)]
    return {"rows": rows, "others": len(rows) > 1}


@require_POST
@person_required
def end(request: MemberRequest, session_id: UUID) -> HttpResponse:
    """End one of my sessions."""
    sessions.session_end(request.user, session_id)
    messages.info(request, "Ended. That browser has to sign in again.")
    return redirect(LIST)


@require_POST
@person_required
def end_others(request: MemberRequest) -> HttpResponse:
    """End all of my sessions but this one."""
    count = sessions.others_end(request.user, but=sessions.session_id_of(request))
    messages.info(
        request, "Every other browser has to sign in again." if count else "There was no other session."
    )
    return redirect(LIST)
