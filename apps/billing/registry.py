"""What billing asks of the apps above it. Filled in `AppConfig.ready()`."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Counted:
    """One entity on one day. `label` says its kind, never its name; `why` is a key of `meter.WHY`."""

    service: str
    entity_public_id: UUID
    label: str
    size: int
    billable: bool
    why: str


Counter = Callable[[], Iterable[Counted]]
Names = Callable[[Collection[UUID]], Mapping[UUID, str]]
_counters: Final[list[Counter]] = []
_names: Final[list[Names]] = []


def register_counter(count: Counter) -> None:
    """Call `count` in an account's scope to learn what there is today."""
    _counters.append(count)


def counted_now() -> list[Counted]:
    """Everything that there is in the account in force."""
    return [line for count in _counters for line in count()]


def register_names(names: Names) -> None:
    """Let `names` tell what entities are called, of those that the actor in force sees."""
    _names[:] = [names]


def names_of(public_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What these are called, as far as the actor in force may see them."""
    return _names[0](public_ids) if _names else {}
