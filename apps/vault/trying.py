"""Talking to a store that a customer names, while he waits: not too often, one at a time, and not for long."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Final, TypeVar

from django.core.cache import cache

from apps.core.scope import current_account_id

from .errors import StoreUnavailable, TriedTooOften

T = TypeVar("T")
PATIENCE_SECONDS: Final = 20.0  # so long a page waits
MOST_TRIES: Final = 10  # of an account
WITHIN_SECONDS: Final = 600
_DEAD_AFTER: Final = 180  # a try that is still under way then has lost its process


def tried(work: Callable[[], T]) -> T:
    """Return what `work` returns, for the account in force. It must not touch the database.

    Raises TriedTooOften when there were too many tries or one is under way, StoreUnavailable when it takes too
    long: then it ends by itself, in a thread of its own, and until then no other begins.
    """
    account_id = current_account_id()
    _admit(account_id)
    busy = f"vault:trying:{account_id}"
    if not cache.add(busy, True, timeout=_DEAD_AFTER):
        raise TriedTooOften("A store of this account is being tested.", do="Wait a minute, then try again.")
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)
        finally:
            cache.delete(busy)

    threading.Thread(target=run, name="store-test", daemon=True).start()
    try:
        return done.result(timeout=PATIENCE_SECONDS)
    except TooLate:
        raise StoreUnavailable(
            f"The store did not get through its test within {PATIENCE_SECONDS:.0f} seconds.",
            do="Check its address. If that is right it is too slow at the moment: try again later.",
        ) from None


def _admit(account_id: int) -> None:
    key = f"vault:tries:{account_id}"
    cache.add(key, 0, timeout=WITHIN_SECONDS)
    try:
        count = cache.incr(key)
    except ValueError:  # it has just run out
        cache.set(key, 1, timeout=WITHIN_SECONDS)
        return
    if count > MOST_TRIES:
        raise TriedTooOften(
            f"Stores were tested {MOST_TRIES} times within {WITHIN_SECONDS // 60} minutes.",
            do="Wait some minutes, then try again.",
        )
