"""Whether this worker wants to shut down. Runs ask before each piece of work and end in good order.

The flag lives in memory that forked pool processes share with the worker's main process, which is the one
that gets the signal: set it before the pool starts, that is on import.
"""

import multiprocessing
from typing import Any

from celery.signals import worker_shutting_down

_flag = multiprocessing.get_context("fork").Event()


def is_stopping() -> bool:
    return _flag.is_set()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    _flag.set()
