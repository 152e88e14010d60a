"""Answers that are made while they are sent: the middleware has left scope and actor by then."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from .actor import acting_as, current_actor
from .scope import account_scope, current_account_id


def as_now() -> Callable[[], AbstractContextManager[None]]:
    """Remember account and actor; what is returned enters both again, for one batch at a time.

    Leave it before anything is yielded: it must not stay behind on the server's thread. Without the actor a
    batch would hold what this person may not see (`core.sight`).
    """
    account_id, actor = current_account_id(), current_actor()

    @contextmanager
    def again() -> Iterator[None]:
        with account_scope(account_id), acting_as(actor):
            yield

    return again
