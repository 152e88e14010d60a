"""What an upper app sees of a job: the items it wants done, and what its handler returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import JobContext
    from .models import Job


@dataclass(frozen=True, slots=True)
class NewItem:
    """One line of the ledger before anything was done. `key` is unique in its job and stable over restarts."""

    key: str
    label: str = ""
    folder_label: str = ""
    size: int = 0
    node_version_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a handler returns when it is through. `message` is one sentence for the person, or empty.

    `result` is JSON for the app itself (where the export lies, which folder was made).
    """

    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)


Handler = Callable[["JobContext"], JobResult]
UrlOf = Callable[["Job"], str]
