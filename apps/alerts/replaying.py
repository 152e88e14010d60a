"""What would have been raised, judged anew from what was measured. Nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from apps.backups.models import Entity

from .learning.course import follow
from .learning.findings import Finding
from .learning.readings import Reading
from .models import Watch
from .raising import scale_in_force
from .readings import measures_of, readings_of


@dataclass(frozen=True, slots=True)
class Replayed:
    """One backup that somebody would have been told of."""

    entity: Entity
    sub_service: str
    reading: Reading
    findings: list[Finding]


def replay_entity(
    entity: Entity, *, since: datetime | None = None, scale: float | None = None
) -> Iterator[Replayed]:
    """Yield what the backups of one mailbox since a moment would have raised, kind by kind, oldest first.

    `scale` is that of the account's settings unless given. What a person accepted as normal counts as that.
    """
    times = scale_in_force() if scale is None else scale
    kinds = Watch.objects.filter(entity=entity).order_by("sub_service").values_list("sub_service", flat=True)
    for sub_service in kinds:
        for judged in follow(readings_of(measures_of(entity.pk, sub_service)), scale=times):
            reading = judged.reading
            if judged.findings and not reading.accepted and (since is None or reading.at >= since):
                yield Replayed(entity, sub_service, reading, judged.findings)


def replay_account(*, since: datetime | None = None, scale: float | None = None) -> Iterator[Replayed]:
    """The same for every mailbox of the account in force, by name."""
    watched = Watch.objects.values("entity")
    for entity in Entity.objects.filter(pk__in=watched).order_by("name", "pk").iterator():
        yield from replay_entity(entity, since=since, scale=scale)
