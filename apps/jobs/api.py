"""What a handler of another app works with (`registry.register`)."""

from .base import Handler, JobResult, NewItem
from .context import JobContext

__all__ = ["Handler", "JobContext", "JobResult", "NewItem"]
