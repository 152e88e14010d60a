"""Which account's rows may be touched right now. Fail-closed: outside a scope, a scoped query raises.

Entered by the middleware, the Celery base task and tests only. The one exit, `every_account`, wants a
reason in words, so that each use of it can be found and judged.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class ScopeMissing(RuntimeError):
    """A row that belongs to an account was asked for while no account was chosen."""


class ScopeViolated(RuntimeError):
    """A row of one account was about to be written inside another account's scope."""


class _Everything:
    """Marker for the operator's scope."""


EVERYTHING = _Everything()
Scope = int | frozenset[int] | _Everything
_scope: ContextVar[Scope | None] = ContextVar("account_scope", default=None)


@contextmanager
def account_scope(account_id: int) -> Iterator[None]:
    """Let scoped queries see this account's rows and no others."""
    token = _scope.set(account_id)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def some_accounts(account_ids: Iterable[int]) -> Iterator[None]:
    """Let scoped queries see the rows of just these accounts, for reading only: nothing can be saved.

    For who may look at several accounts at once, each of which the caller has proved to be theirs to see.
    """
    token = _scope.set(frozenset(account_ids))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def every_account(reason: str) -> Iterator[None]:
    """Let the operator's own loops (tick, clean-up, migrations of data) see all rows. Never from a request."""
    assert reason, "say why all accounts are needed"
    token = _scope.set(EVERYTHING)
    try:
        yield
    finally:
        _scope.reset(token)


def current_scope() -> Scope:
    """Return the account id in force, several of them, or EVERYTHING. Raises ScopeMissing outside any scope."""
    scope = _scope.get()
    if scope is None:
        raise ScopeMissing("No account scope is entered: use account_scope(...) around this query.")
    return scope


def current_account_id() -> int:
    """Return the one account in force. Raises ScopeMissing when there is none, or all of them."""
    scope = current_scope()
    if not isinstance(scope, int):
        raise ScopeMissing("This needs one account, but the scope is several, or every account.")
    return scope
