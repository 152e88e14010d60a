"""What a restore is about to replace, sealed into the vault before anything is overwritten."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import Q

from apps.connectors.base import ContentForm, Fetched
from apps.core import clock
from apps.core.scope import every_account
from apps.core.sight import whole_sight
from apps.jobs.api import JobContext
from apps.jobs.enums import OPEN_STATES, JobKind, JobState
from apps.jobs.models import Job, JobItem
from apps.vault.api import Role, VaultWriter, encode_content, open_writer

from ..models import BeforeState, Plan
from .lanes import Lane

UNDO_WITHIN: Final = timedelta(days=30)
AT_ONCE: Final = 10  # older items in memory
NOT_KEPT = "What is there could not be kept for an undo, so it was not replaced."
_ROLES = {ContentForm.MIME: Role.MIME, ContentForm.DOCUMENT: Role.PROPS}


def batched(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut into pieces of at most `size`."""
    waiting = iter(ids)
    while piece := list(islice(waiting, size)):
        yield piece


class Keeper:
    """Seals older items on the shelf of their own backups; opened when the first one is met."""

    def __init__(self, context: JobContext, shelf: int) -> None:
        self._context, self._shelf = context, shelf
        self._writer: VaultWriter | None = None

    def keep(self, lane: Lane, old: Sequence[tuple[JobItem, str]]) -> dict[int, str]:
        """Keep the live items of (ledger row, id); returns by ledger row why one could not be kept.

        Durable when it returns: first the bytes, then the rows, under the lease (V4, V11). Raises RemoteError,
        VaultError, LeaseLost.
        """
        known = BeforeState.objects.filter(item__in=[item for item, _ in old]).values_list("item_id", flat=True)
        kept = set(known)
        todo = {remote_id: item for item, remote_id in old if item.pk not in kept}
        rows: list[BeforeState] = []
        failed: dict[int, str] = {}
        for few in batched(todo, AT_ONCE):
            self._read(lane, {remote_id: todo[remote_id] for remote_id in few}, rows, failed)
        if rows:
            self._open().flush()
            with self._context.guard():
                BeforeState.objects.bulk_create(rows)
        return failed

    def _read(
        self, lane: Lane, few: dict[str, JobItem], rows: list[BeforeState], failed: dict[int, str]
    ) -> None:
        target, writer = lane.target, self._open()
        listed = target.do(target.connector.listed(target.entity, lane.kind, list(few)))
        for answer in target.all_of(target.connector.fetch(target.entity, lane.kind, list(few))):
            item = few[answer.remote_id]
            if not isinstance(answer, Fetched):
                failed[item.pk] = f"{NOT_KEPT} {answer.what}"
                continue
            parts = [writer.put(_ROLES[answer.form], answer.content)]
            parts += [writer.put(Role.ATTACHMENT, each) for each in answer.attachments]
            shown = listed.get(answer.remote_id)
            row = BeforeState(account_id=item.account_id, item=item, job_id=item.job_id)
            row.remote_id, row.content = answer.remote_id, encode_content(parts)
            row.name, row.props = (shown.name, shown.props) if shown else ("", b"")
            rows.append(row)

    def _open(self) -> VaultWriter:
        if self._writer is None:
            self._writer = open_writer(self._context.job.account_id, self._shelf)
        return self._writer


def live_contents(account_id: int) -> Iterator[Iterator[bytes]]:
    """Yield the content lists that undo needs (`vault.references`)."""
    with whole_sight("what is not seen is kept alive as well"):
        rows = BeforeState.objects.filter(account_id=account_id).order_by("pk")
    yield (bytes(content) for content in rows.values_list("content", flat=True).iterator())


def writers_gone(account_id: int, began_before: datetime) -> bool:
    """Take the leases of dead restores away, then tell whether one is left that began before (V11).

    One that waits holds no lease and no writer: it opens another when it goes on.
    """
    with whole_sight("every restore counts, also of what is not seen"):
        held = Job.objects.filter(
            ~Q(lease_owner=""), account_id=account_id, kind=JobKind.RESTORE, state=JobState.RUNNING
        )
        held.filter(lease_until__lt=clock.now()).update(lease_owner="")
        return not held.filter(started_at__lt=began_before).exists()


def purge_before() -> int:
    """Forget what was replaced and can no longer be undone, unless an undo is on its way. Returns how many."""
    with every_account("what can no longer be undone is let go, of all accounts"):
        over = BeforeState.objects.filter(job__finished_at__lt=clock.now() - UNDO_WITHIN)
        undone_now = Plan.objects.filter(undo__state__in=OPEN_STATES).values("job_id")
        return over.exclude(job_id__in=undone_now).delete()[0]


def purge_samples() -> int:
    """Forget the subjects and fields that old plans show: nobody confirms them any more. Returns how many."""
    with every_account("what old plans show of contents is let go, of all accounts"):
        old = Plan.objects.filter(created_at__lt=clock.now() - UNDO_WITHIN).exclude(samples=[])
        return old.update(samples=[])
