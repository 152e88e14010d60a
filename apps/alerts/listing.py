"""The list of alerts: what somebody asked for, and how many there are by state. All in the reader's sight."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core.counting import count_up_to
from apps.core.keyset import KeysetPage, page_of

from .enums import AlertState
from .models import Alert

PAGE_SIZE: Final = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; "" is everything."""

    state: str = ""
    kind: str = ""
    severity: str = ""
    task: str = ""
    text: str = ""


def alert_page(wanted: Wanted, *, before: UUID | None = None, after: UUID | None = None) -> KeysetPage[Alert]:
    """One page, newest first."""
    rows = _matching(wanted).select_related("entity", "task", "hold")
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    keys = ("opened_at", "id")
    return page_of(rows, keys=keys, size=PAGE_SIZE, descending=True, before=before, after=after)


def state_counts(wanted: Wanted) -> dict[str, int]:
    """How many match by state, whatever state is asked for; under "" all of them.

    No state is counted beyond `counting.COUNTED`.
    """
    rows = _matching(wanted)
    found = {state: count_up_to(rows.filter(state=state)) for state in AlertState.values}
    return {"": sum(found.values()), **found}


def _matching(wanted: Wanted) -> "QuerySet[Alert]":
    rows = Alert.objects.all()
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.severity:
        rows = rows.filter(severity=wanted.severity)
    if wanted.task:
        rows = rows.filter(task__public_id=wanted.task)
    if wanted.text:
        named = Q(entity__name__icontains=wanted.text) | Q(entity__address__icontains=wanted.text)
        named |= Q(task__name__icontains=wanted.text) | Q(facts__label__icontains=wanted.text)
        rows = rows.filter(named)
    return rows
