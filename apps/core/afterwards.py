"""What is done once the answer is out: nobody can tell from its time whether there was anything to do."""

import logging
import threading
from collections.abc import Callable

from django.core.signals import request_finished
from django.db import connections

logger = logging.getLogger("everkeep.request")
_waiting = threading.local()


def after_response(act: Callable[[], None]) -> None:
    """Do it on this thread when the response is closed. What fails is logged; a crash before loses it."""
    acts = getattr(_waiting, "acts", None)
    if acts is None:
        acts = _waiting.acts = []
    acts.append(act)


def _do_all(**_: object) -> None:
    acts = getattr(_waiting, "acts", None)
    if not acts:
        return
    _waiting.acts = []
    for act in acts:
        try:
            act()
        except Exception:
            logger.exception("something was not done after a response")
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


request_finished.connect(_do_all, dispatch_uid="everkeep.after_response")
