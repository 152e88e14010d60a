"""Doors of the workers."""

from celery import shared_task
from django.core.management import call_command

from . import sessions, tokens
from .approvals.services import approvals_expire
from .life.address import changes_settle
from .life.closing import remind
from .life.deleting import deletions_begin, deletions_go_on
from .life.trial import trials_look_after
from .life.trying import tried
from .unproved import unproved_forget


@shared_task  # type: ignore[untyped-decorator]
def look_after_accounts() -> int:
    """Trials, graces and deletions, once an hour. Returns how many deletions are not through."""
    for act in (trials_look_after, approvals_expire, remind, changes_settle, deletions_begin):
        tried(act.__name__, act, 0)
    return tried("deletions_go_on", deletions_go_on, 0)


@shared_task  # type: ignore[untyped-decorator]
def forget_what_is_over() -> None:
    """Delete sessions and tokens that nobody can use any more, and who signed up and never confirmed it."""
    unproved_forget()
    sessions.forget_ended()
    tokens.forget_over()
    call_command("clearsessions")
