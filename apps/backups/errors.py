"""What stops a run from the inside."""

from apps.core.errors import Conflict, EverkeepError


class LeaseLost(Conflict):
    """Another worker runs this entity now: whatever we still hold must not be written."""

    code = "lease_lost"


class RunCancelled(EverkeepError):
    """A person asked to stop."""

    code = "run_cancelled"


class WindowClosed(EverkeepError):
    """The hour has come at which the schedule stops what still runs."""

    code = "window_closed"


class RunStopped(EverkeepError):
    """The worker is shutting down; the run goes on after the restart."""

    code = "run_stopped"
