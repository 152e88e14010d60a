"""Which account's rows may be touched right now. Fail-closed: outside a scope, a scoped query raises.

Entered by the middleware, the Celery base task and tests only. The one exit, `every_account`, wants a
reason in words, so that each use of it can be found and judged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class ScopeMissing(RuntimeError):
    """A row that belongs to an account was asked for while no account was chosen."""


class ScopeViolated(RuntimeError):
    """A row of one account was about to be written inside another account's scope."""


class _Everything:
    """Marker for the operator's scope."""


EVERYTHING = _Everything()
_scope: ContextVar[int | _Everything | None] = ContextVar("account_scope", default=None)


@contextmanager
def account_scope(account_id: int) -> Iterator[None]:
    """Let scoped queries see this account's rows and no others."""
    token = _scope.set(account_id)
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


def current_scope() -> int | _Everything:
    """Return the account id in force or EVERYTHING. Raises ScopeMissing outside any scope."""
    scope = _scope.get()
    if scope is None:
        raise ScopeMissing("No account scope is entered: use account_scope(...) around this query.")
    return scope


def current_account_id() -> int:
    """Return the one account in force. Raises ScopeMissing when there is none, or all of them."""
    scope = current_scope()
    if isinstance(scope, _Everything):
        raise ScopeMissing("This needs one account, but the scope is every account.")
    return scope
