"""Trying again what may pass by itself."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import StoreUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently. With these numbers about 45 seconds pass before giving up."""

    tries: int = 8
    first_seconds: float = 0.4
    most_seconds: float = 16.0

    def call(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, calling it again after StoreUnavailable; the last one is raised."""
        for turn in range(self.tries - 1):
            try:
                return work()
            except StoreUnavailable:
                pause = min(self.first_seconds * 2**turn, self.most_seconds)
                # Spread, so that workers which failed together do not come back together.
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
        return work()
