"""The one place that decides how a job ended."""

from dataclasses import dataclass

from .enums import JobState


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items of a job came to which end."""

    pending: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_done: int = 0

    @property
    def total(self) -> int:
        return self.pending + self.done + self.skipped + self.failed


def verdict(tally: Tally, *, cancelled: bool = False, stopped: bool = False) -> JobState:
    """Return the final state. `stopped`: the work ended before its end, by an error.

    Success means that every item is done, or skipped as the person asked. An item left over is never
    success. A cancel that came when nothing was left to do changes nothing.
    """
    if cancelled and tally.pending:
        return JobState.CANCELLED
    if not (tally.pending or tally.failed or stopped):
        return JobState.SUCCEEDED
    return JobState.PARTIAL if tally.done or tally.skipped else JobState.FAILED
