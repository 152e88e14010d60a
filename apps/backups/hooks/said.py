"""One line of activity about a hook. Of its address the host alone: the rest of it may be a secret."""

from typing import Any

from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.core.webhooks import host_of

from ..models import Hook


def place_of(url: str) -> str:
    """What everybody who reads the activity may know of an address."""
    return host_of(url)[0]


def say(hook: Hook, code: str, *, status: str = ActivityStatus.DONE, **details: Any) -> None:
    """Write it."""
    task = hook.task
    said = f"{hook.get_moment_display()}, {place_of(hook.url)}"
    activity.record(
        code,
        status=status,
        service=task.service,
        task_label=task.name,
        item_label=said,
        subject_id=task.public_id,
        audited=said,
        **details,
    )
