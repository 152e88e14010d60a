"""Taking a restore back: what it wrote goes, what it replaced returns, what people touched since stays.

The order that keeps a killed worker harmless: the older item is written back under a key of its own and seen in
place before its successor is removed; whoever goes on asks for that key first. Nothing is removed that reads
other than when the restore last saw it. What is removed lies in the mailbox's own deleted items.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.db import transaction

from apps.backups.selectors.browse import node_key
from apps.connectors.writing import ItemWriter, WriteItem, Written, passing_key
from apps.core import clock
from apps.core.errors import Conflict, EverkeepError, Forbidden, RemoteError, Throttled
from apps.jobs.api import JobContext
from apps.jobs.base import JobResult, NewItem
from apps.jobs.enums import ItemOutcome, JobKind, JobState
from apps.jobs.models import Job, JobItem
from apps.jobs.services import ORGANISATION, job_create
from apps.vault.api import VaultReader, open_reader

from ..models import BeforeState, MadeFolder, Plan
from ..reading import read_item
from .before import UNDO_WITHIN
from .copies import note_copies, origins_of
from .execute import GRANT_WRITE, ODD, WRITE_MISSING, odd, put_off
from .report import limits_words
from .target import Target, open_target, plan_of

BATCH: Final = 20
EDITED = "Somebody has changed it since, so it was left as it is."
UNSURE = "It was never read back, so nobody can tell whether it was changed since. It was left as it is."
REMOVED_SINCE = "Somebody has removed it since, so nothing was changed."


def why_not(plan: Plan) -> str:
    """Say why a restore cannot be undone now; "" when it can."""
    job = plan.job
    if job is None or job.is_open:
        return "The restore is not over yet."
    if plan.undo is not None and (plan.undo.is_open or plan.undo.state == JobState.SUCCEEDED):
        return "It is undone already." if not plan.undo.is_open else "It is being undone."
    if job.finished_at and job.finished_at < clock.now() - UNDO_WITHIN:
        return "What a restore replaced is kept for 30 days. They are over."
    return ""


@transaction.atomic
def undo_start(*, plan: Plan) -> Job:
    """Make the job that takes a restore back, with one ledger row for each item it may have written.

    Raises Conflict when it cannot be undone.
    """
    rows = Plan.objects.select_for_update(of=("self",)).select_related("job", "undo", "target")
    plan = rows.get(pk=plan.pk)
    if refusal := why_not(plan):
        raise Conflict(refusal, do="Look for it among the jobs.")
    assert plan.job is not None
    job = plan.job  # it knows all of this also after the source's backups are deleted
    plan.undo = job_create(
        kind=JobKind.UNDO,
        items=_ledger(job, plan.undo),
        params={"plan": str(plan.public_id), "job": job.pk},
        service=job.service,
        task_label=job.task_label,
        entity_label=job.entity_label,
        destination_label=job.destination_label,
        entity_id=job.entity_id,
        destination_id=plan.target.public_id,
        organisation=job.params.get(ORGANISATION, ""),
        backup_date=job.backup_date,
    )
    plan.save(update_fields=["undo"])
    return plan.undo


def _ledger(job: Job, earlier: Job | None) -> Iterator[NewItem]:
    """What was written last goes first, without what an `earlier` undo took back.

    Rows of the restore that were never begun name no folder.
    """
    done = JobItem.objects.filter(job=earlier, outcome=ItemOutcome.DONE).values("key") if earlier else None
    gone = {row["key"] for row in done or ()}
    written = JobItem.objects.filter(job=job, details__in__isnull=False).exclude(outcome=ItemOutcome.SKIPPED)
    for item in written.order_by("-pk").iterator():
        if undo_key(item.key) in gone:
            continue
        kept = {name: item.details.get(name, "") for name in ("kind", "in", "state", "old_id")}
        yield NewItem(
            key=undo_key(item.key),
            label=item.label,
            folder_label=item.folder_label,
            size=item.size,
            details=kept | {"written": item.written_id, "item": item.pk, "key": item.key},
        )


def undo_key(restore_key: str) -> str:
    """Name what an undo brings back for one item of a restore."""
    return hmac.new(b"everkeep undo", restore_key.encode(), hashlib.sha256).hexdigest()[:48]


@dataclass(slots=True)
class _Undo:
    """One claim of one undo."""

    context: JobContext
    plan: Plan
    target: Target
    reader: VaultReader

    def run(self) -> JobResult:
        for items in self.context.pending_items(batch=BATCH):
            for kind, group in groupby(items, key=lambda item: str(item.details["kind"])):
                self._group(self.target.items(kind), list(group))
                self.context.flush()
                if self.context.cancelled():
                    return JobResult()
        if self.context.cancelled():
            return JobResult()
        left = self._remove_folders()
        return JobResult(message=_left_words(len(left)), result={"folders_left": left})

    def _group(self, writer: ItemWriter, items: list[JobItem]) -> None:
        """Bring back what was replaced, then remove; which items go is durable before one of them does."""
        self._find_unnoted(writer, items)
        ids = {str(item.details[name]) for item in items for name in ("written", "old_id")} - {""}
        seen = self.target.do(writer.read_back(dict.fromkeys(ids)))
        before = {row.item_id: row for row in BeforeState.objects.filter(item__in=[_of(i) for i in items])}
        going = []
        for item in items:
            try:
                if self._is_free(writer, item, before.get(_of(item)), seen):
                    item.details["going"] = True
                    going.append(item)
            except (Throttled, Forbidden):
                raise
            except EverkeepError as error:
                self.context.failed(item, error.code, str(error))
            except ODD as error:
                told = odd(error)
                self.context.failed(item, told.code, str(told))
        JobItem.objects.bulk_update(going, ["details"])
        for item in going:
            self._remove(writer, item, seen.get(str(item.details["written"])))

    def _find_unnoted(self, writer: ItemWriter, items: Sequence[JobItem]) -> None:
        """Find what a worker wrote that was killed before it could note the id."""
        unnoted = [item for item in items if not item.details["written"]]
        for live_id in {str(item.details["in"]) for item in unnoted}:
            keys = {str(i.details["key"]): i for i in unnoted if i.details["in"] == live_id}
            asked = [*keys, *map(passing_key, keys)]
            found = self.target.do(writer.find_restored(live_id, asked))
            for key, item in keys.items():
                item.details["written"] = found.get(key) or found.get(passing_key(key), "")

    def _is_free(
        self, writer: ItemWriter, item: JobItem, before: BeforeState | None, seen: dict[str, Written]
    ) -> bool:
        """Tell whether what was written may go; by then what it had replaced is in place."""
        now, place = seen.get(str(item.details["written"])), str(item.details["in"])
        older = seen.get(before.remote_id) if before else None
        missing = before if before and (older is None or older.folder_id != place) else None
        back = self._brought_back(writer, item) if missing else ""
        if before and back:
            self._note_copy(item, before, back)
        if item.details.get("going") or back:
            return True
        if before and before.remote_id == item.details["written"]:
            return self._set_back(writer, item, before, now)
        if now is None and missing:
            self.context.skipped(item, "removed", REMOVED_SINCE)
            return False
        if now is not None and (refusal := _touched(item, now)):
            self.context.skipped(item, "edited", refusal)
            return False
        if missing:
            self._bring_back(writer, item, missing)
        return True

    def _set_back(self, writer: ItemWriter, item: JobItem, before: BeforeState, now: Written | None) -> bool:
        """Set what there is only one of (a setting) to what it was. Noted before: it may be done twice."""
        if not item.details.get("setting"):
            if now is not None and (refusal := _touched(item, now)):
                self.context.skipped(item, "edited", refusal)
                return False
            item.details["setting"] = True
            JobItem.objects.bulk_update([item], ["details"])
        self._bring_back(writer, item, before)
        return True

    def _remove(self, writer: ItemWriter, item: JobItem, now: Written | None) -> None:
        """Remove what is still where the restore put it."""
        try:
            in_place = now is not None and now.folder_id == item.details["in"]
            if now is not None and in_place and not item.details.get("setting"):
                self.target.do(writer.remove(now.remote_id))
        except (Throttled, Forbidden):
            raise
        except RemoteError as error:
            self.context.failed(item, error.code, str(error))
        else:
            limits = str(item.details.get("limits") or "")
            self.context.done(
                item,
                cause="not_possible" if limits else "",
                message=f"Brought back, but not possible at Microsoft: {limits}." if limits else "",
            )

    def _brought_back(self, writer: ItemWriter, item: JobItem) -> str:
        found = self.target.do(writer.find_restored(str(item.details["in"]), [item.key]))
        return found.get(item.key, "")

    def _bring_back(self, writer: ItemWriter, item: JobItem, before: BeforeState) -> None:
        """Write the older item anew and see it in place. Raises EverkeepError."""
        content, files = read_item(self.reader, bytes(before.content))
        wanted = WriteItem(
            item.key, str(item.details["in"]), content, bytes(before.props), before.name,
            attachments=files, over=before.remote_id, returning=True,
        )  # fmt: skip
        new = self.target.do(writer.write(wanted))
        remote_id = new.remote_id
        item.details["limits"] = limits_words(new.not_possible)
        self._note_copy(item, before, remote_id)
        there = self.target.do(writer.read_back({remote_id: wanted})).get(remote_id)
        if there is None or there.folder_id != wanted.folder_id:
            raise RemoteError("What it had replaced was written back, but is not there when read back.")

    def _note_copy(self, item: JobItem, before: BeforeState, remote_id: str) -> None:
        """What comes back has a new id: it stands for what its successor stood for."""
        kind, written = str(item.details["kind"]), str(item.details["written"])
        known = origins_of(self.plan.target_id, kind, [before.remote_id, written])
        origin = known[before.remote_id]
        if origin == node_key(before.remote_id) and known[written] != node_key(written):
            origin = known[written]
        note_copies(self.plan.account_id, self.plan.target_id, kind, [(origin, remote_id)])

    def _remove_folders(self) -> list[str]:
        """Remove the folders that the restore made, the deepest first; returns those that are not empty."""
        left = []
        rows = MadeFolder.objects.filter(job_id=self.context.params["job"]).exclude(kind="").order_by("-pk")
        for row in rows:
            writer = self.target.items(row.kind)
            remote_id = row.remote_id or self._by_name(writer, row)
            if remote_id and not self.target.do(writer.remove_folder(remote_id)):
                left.append(row.name)
        return left

    def _by_name(self, writer: ItemWriter, row: MadeFolder) -> str:
        """Find a folder whose maker was killed before it could note the id."""
        live = {folder.remote_id: folder for folder in self.target.do(writer.folders())}
        tops = {each for each, folder in live.items() if folder.parent_id not in live}
        for each, folder in live.items():
            above = "" if each in tops or folder.parent_id in tops else folder.parent_id
            if folder.name.casefold() == row.name.casefold() and row.parent_id in (above, folder.parent_id):
                return each
        return ""


def run_undo(context: JobContext) -> JobResult:
    """Do an undo as far as this worker gets (`jobs.registry`)."""
    plan = plan_of(context)
    context.say(f"Taking the restore into {plan.target.name} back")
    try:
        with open_target(plan.target) as target:
            return _Undo(context, plan, target, open_reader(plan.account_id)).run()
    except Throttled as error:
        put_off(context, error)
    except Forbidden as error:
        raise Forbidden(WRITE_MISSING, do=GRANT_WRITE) from error


def _left_words(count: int) -> str:
    """A job's message is read by who may not see what lies in a mailbox, so it names no folder."""
    if not count:
        return ""
    return "Not empty, so left: 1 folder." if count == 1 else f"Not empty, so left: {count:,} folders."


def _of(item: JobItem) -> int:
    return int(item.details["item"])


def _touched(item: JobItem, now: Written) -> str:
    """Say why an item must stay; "" when it is exactly as the restore left it."""
    if not item.details["state"]:
        return UNSURE
    if now.state != item.details["state"] or now.folder_id != item.details["in"]:
        return EDITED
    return ""
