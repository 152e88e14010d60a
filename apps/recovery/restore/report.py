"""What a restore says of an item that it wrote, and of itself against its plan."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from apps.backups.selectors.browse import Node, Stored
from apps.connectors.enums import SubService
from apps.connectors.writing import Written
from apps.jobs.enums import ItemOutcome
from apps.jobs.models import Job, JobItem

from ..models import Plan

CREATED, REPLACED, DUPLICATED = "create", "replace", "duplicate"
_WORDS = {CREATED: "restored", REPLACED: "replaced", DUPLICATED: "put beside", "skip": "skipped"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an item should read. `name` is what it was written as, `place` the live folder's id."""

    kind: str
    node: Node
    stored: Stored
    name: str
    place: str


def fault_of(wanted: Wanted, seen: Written | None) -> tuple[str, str]:
    """Return cause and words of what is wrong with an item that was read back; "" when nothing is."""
    if seen is None:
        return "not_verified", "It was written, but is not there when read back."
    if seen.folder_id != wanted.place:
        return "not_verified", "It was written, but is in another folder when read back."
    if wanted.kind == SubService.MAIL and (fault := _fault_of_mail(wanted, seen)):
        return "not_verified", f"It was written, but {fault} when read back."
    if seen.faults:
        return "different", f"It was written, but reads different: {'; '.join(seen.faults)}."
    return "", ""


def _fault_of_mail(wanted: Wanted, seen: Written) -> str:
    if seen.is_draft and b'"isDraft":true' not in wanted.stored.props.replace(b" ", b""):
        return "is a draft"
    if not _same_moment(wanted.node.time, seen.time):
        return "its received date is different"
    if seen.name.split() != wanted.name.split():
        return "its subject is different"
    return ""


def _same_moment(wanted: datetime | None, seen: datetime | None) -> bool:
    return wanted is None or (seen is not None and abs(wanted - seen) < timedelta(seconds=2))


def limits_words(not_possible: Iterable[str]) -> str:
    """Join what Microsoft lets nobody set, for a sentence that ends with a full stop."""
    return "; ".join(each.rstrip(".") for each in not_possible)


def done_counts(job: Job) -> Counter[str]:
    """Count what was done, by the words of a plan's columns."""
    counts: Counter[str] = Counter()
    rows = JobItem.objects.filter(job=job).values_list("outcome", "details__how").order_by()
    for outcome, how, number in rows.annotate(number=Count("pk")):
        if outcome == ItemOutcome.DONE:
            counts[how or CREATED] += number
        elif outcome == ItemOutcome.SKIPPED:
            counts["skip"] += number
    return counts


def drift(plan: Plan, job: Job) -> list[str]:
    """Say where the end differs from the plan: the mailbox changed in between, or something failed."""
    done, said = done_counts(job), []
    for column, words in _WORDS.items():
        planned = plan.total(column)
        if planned != done[column]:
            said.append(f"{planned:,} planned to be {words}, {done[column]:,} were.")
    return said


def summary(plan: Plan, job: Job) -> dict[str, Any]:
    """What `Job.result` keeps of the end."""
    return {"root": plan.root_name, "done": dict(done_counts(job)), "drift": drift(plan, job)}
