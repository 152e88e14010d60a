"""Doors of the workers."""

from celery import shared_task

from .recovery import recovery_keys_tidy_all
from .shredding import shreddings_finish


@shared_task  # type: ignore[untyped-decorator]
def finish_keys() -> int:
    """Go on with what a store was not there for: old recovery keys and shreddings. Returns what is left."""
    return recovery_keys_tidy_all() + shreddings_finish()
