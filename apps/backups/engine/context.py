"""What all parts of one run share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from apps.connectors.base import Connector, EntityRef
from apps.core import clock

from ..errors import RunStopped, WindowClosed
from ..exclusions import Exclusions
from ..models import Run
from .bridge import Bridge
from .lease import Lease
from .sealing import Sealer


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a run holds in memory or leaves undone at a crash. Counts of items unless said otherwise."""

    unit: int = 100
    units_ahead: int = 8
    fetches: int = 3
    seal_items: int = 100
    seal_bytes: int = 2 * 1024 * 1024
    batch_items: int = 1_000
    batch_bytes: int = 16 * 1024 * 1024
    batch_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run of one entity. `stopping` tells whether the worker wants to shut down.

    At `deadline` the schedule stops the run.
    """

    run: Run
    lease: Lease
    target: EntityRef
    connector: Connector
    sealer: Sealer
    bridge: Bridge
    stopping: Callable[[], bool]
    limits: Limits
    deadline: datetime | None = None
    exclusions: Exclusions = field(default_factory=Exclusions)

    def check_stop(self) -> None:
        """Raise RunStopped when the worker shuts down, WindowClosed at the schedule's hour. Asked often."""
        if self.stopping():
            raise RunStopped("The worker was stopped. The backup goes on after its restart.")
        if self.deadline is not None and clock.now() >= self.deadline:
            raise WindowClosed(
                "Stopped at the hour that the schedule sets. What was read stays; the rest follows."
            )
