"""What recovery keeps of items that are erased (backups.erasure): names in ledgers, files, what undo needs."""

import shutil
from collections.abc import Collection, Iterator
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.backups.models.catalog import key_of
from apps.backups.registry import ErasedVersions
from apps.core.sight import whole_sight
from apps.jobs.enums import JobKind
from apps.jobs.models import Job, JobItem

from .deleting import end_downloads
from .enums import PlanState
from .exports.files import folder_of
from .models import BeforeState, Copied, Plan

NAME: Final = "An erased item"
CHANGED: Final = "Items of this backup were erased since. Choose again what to restore."


@whole_sight("what is erased goes whoever restored or exported it")
def erase(versions: ErasedVersions) -> dict[str, int]:
    """Take it away, in the transaction in which the versions go; returns what went and what stays."""
    jobs, lines = _ledgers(versions)
    exports = list(Job.objects.filter(pk__in=jobs, kind=JobKind.EXPORT))
    for job in exports:
        end_downloads(job.pk, "the erasure of an item in it")
        transaction.on_commit(partial(shutil.rmtree, folder_of(job), ignore_errors=True))
    return {
        "lines in records of restores and exports": lines,
        "exports ended": len(exports),
        "plans ended": _plans(versions),
        "states kept for undo": _before(versions),
        "copies that restores wrote": _copies(versions),
    }


def _ledgers(versions: ErasedVersions) -> tuple[set[int], int]:
    """Take the names out of the ledgers, theirs and those of the jobs that undo them; the numbers stay."""
    jobs, lines = set[int](), 0
    mine = Job.objects.filter(Q(entity_id=versions.entity) | Q(destination_id=versions.entity)).values("pk")
    for ids in _few(versions.ids):
        rows = JobItem.objects.filter(job__in=mine, node_version_id__in=ids)
        jobs |= set(rows.values_list("job_id", flat=True))
        undone = JobItem.objects.filter(job__in=mine, details__item__in=list(rows.values_list("pk", flat=True)))
        lines += undone.update(label=NAME, message="") + rows.update(label=NAME, message="")
    return jobs, lines


def _plans(versions: ErasedVersions) -> int:
    """What a plan shows of contents goes; one that nobody has started would restore what is gone."""
    name = versions.entity
    of_mailbox = Plan.objects.filter(Q(source__public_id=name) | Q(target__public_id=name))
    of_mailbox.exclude(samples=[]).update(samples=[])
    waiting = of_mailbox.filter(source__public_id=name, state=PlanState.READY)
    return waiting.update(state=PlanState.FAILED, message=CHANGED, error_code="items_erased")


def _before(versions: ErasedVersions) -> int:
    """What a restore replaced of these items: its undo cannot bring them back any more."""
    kept = _kept_before(versions.entity, versions.keys)
    return sum(BeforeState.objects.filter(pk__in=pks).delete()[0] for pks in _few(kept))


@whole_sight("what is erased goes whoever restored or exported it")
def contents_before(entity: UUID, keys: Collection[str]) -> list[bytes]:
    """Return the content lists of what restores replaced of these items."""
    kept = (BeforeState.objects.filter(pk__in=pks) for pks in _few(_kept_before(entity, keys)))
    return [bytes(content) for rows in kept for content in rows.values_list("content", flat=True)]


def _kept_before(entity: UUID, keys: Collection[str]) -> list[int]:
    wanted, jobs = set(keys), Plan.objects.filter(target__public_id=entity).exclude(job=None).values("job")
    rows = BeforeState.objects.filter(job__in=jobs).values_list("pk", "remote_id")
    return [pk for pk, remote_id in rows.iterator() if key_of(remote_id) in wanted]


def _copies(versions: ErasedVersions) -> int:
    keys = list(versions.keys)
    found = 0
    for start in range(0, len(keys), 400):
        found += Copied.objects.filter(origin__in=keys[start : start + 400], kind=versions.sub_service).count()
    return found


def _few(values: Collection[int]) -> Iterator[list[int]]:
    wanted = sorted(values)
    return (wanted[start : start + 400] for start in range(0, len(wanted), 400))
