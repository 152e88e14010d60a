"""Items that could not be stored: written as they happen, opened or closed for good with the snapshot."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.connectors.base import FetchProblem, FolderFailed, Removal, Upsert
from apps.connectors.enums import SkipCause

from ..catalog import Draft, Listed, in_batches
from ..enums import IssueKind
from ..models import Run, RunIssue, Snapshot
from ..models.catalog import hash_of
from .kinds import KindFailed

OLDER = "What was stored of it before stays."


@dataclass(frozen=True, slots=True)
class Trouble:
    """One item and why it was not stored, or not with all its files."""

    upsert: Upsert
    problem: FetchProblem


@dataclass(slots=True)
class Troubles:
    """What a run could not store so far, by remote id: the issue row and the folder that the item is in.

    An item that is stored or removed later in the same round is no trouble any more. `folders` are those that
    could not be read to their end: their cursor makes the next round try again. `not_whole` are stored, but
    without one of their files. Of the rest, `older` are kept as an earlier backup has them.
    """

    failed: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    skipped: dict[str, tuple[int, str | None, str]] = field(default_factory=dict)
    folders: dict[str, FolderFailed] = field(default_factory=dict)
    not_whole: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)
    resolved: list[int] = field(default_factory=list)

    def note(self, trouble: Trouble, issue_id: int, *, stored: bool = False, older: bool = False) -> None:
        remote_id, parent_id = trouble.upsert.remote_id, trouble.upsert.parent_id
        self.clear(remote_id)
        if stored:
            self.not_whole.add(remote_id)
        if older:
            self.older.add(remote_id)
        if trouble.problem.skip:
            self.skipped[remote_id] = (issue_id, parent_id, trouble.problem.skip)
        else:
            self.failed[remote_id] = (issue_id, parent_id)

    def clear(self, remote_id: str) -> None:
        self.not_whole.discard(remote_id)
        self.older.discard(remote_id)
        for known in (self.failed.pop(remote_id, None), self.skipped.pop(remote_id, None)):
            if known is not None:
                self.resolved.append(known[0])

    def removed(self, removal: Removal) -> None:
        known = self.failed.get(removal.remote_id) or self.skipped.get(removal.remote_id)
        if known is not None and removal.parent_id in (None, known[1]):
            self.clear(removal.remote_id)

    def places(self) -> dict[str, str | None]:
        """Return the folder that each item is in, by remote id."""
        places = {remote_id: parent_id for remote_id, (_, parent_id) in self.failed.items()}
        return places | {remote_id: parent_id for remote_id, (_, parent_id, _) in self.skipped.items()}


def write_issues(
    draft: Draft, troubles: Sequence[Trouble], older: Collection[str], sizes: Mapping[tuple[str, str], int]
) -> list[int]:
    """Write one row per trouble, not yet open; returns their keys.

    `older` are kept as an earlier backup has them. `sizes` are remembered with what a rule leaves out.
    """
    names = _folder_names(draft, {t.upsert.parent_id for t in troubles if t.upsert.parent_id})
    rows = [_row(draft, _with_size(trouble, sizes), names) for trouble in troubles]
    for row in rows:
        if row.remote_id in older:
            row.what = f"{row.what} {OLDER}"
    return [row.pk for row in RunIssue.objects.bulk_create(rows)]


def _with_size(trouble: Trouble, sizes: Mapping[tuple[str, str], int]) -> Trouble:
    said = trouble.upsert
    if trouble.problem.skip != SkipCause.EXCLUDED or said.size is not None:
        return trouble
    return replace(trouble, upsert=said._replace(size=sizes.get((said.remote_id, said.etag))))


def forget_what_ended(draft: Draft, troubles: Troubles, listed: Listed) -> None:
    """Clear the troubles of items that went without being named: with their folder, or in the face of a full
    list. What is fetched anew would be found gone by itself; what a rule leaves out is never asked for."""
    places = troubles.places()
    if not places:
        return
    known, there = set[str](), set[str]()
    for hashes in in_batches(sorted({hash_of(parent) for parent in places.values() if parent})):
        rows = draft.rows().filter(remote_hash__in=hashes, is_folder=True)
        for folder_id, gone in rows.values_list("remote_id", "gone"):
            (there if gone is None else known).add(folder_id)
    ended = known - there
    for remote_id, parent in places.items():
        unnamed = draft.number > 1 and parent in listed.folders and hash_of(remote_id) not in listed.seen
        if unnamed or parent in ended:
            troubles.clear(remote_id)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a run's issues with its snapshot. `folders` are rows that are not written yet."""

    draft: Draft
    resolved: list[int]
    open: list[int]
    folders: list[RunIssue]

    def rows(self) -> Iterator[RunIssue]:
        """Yield what will be there of this run, as it will read."""
        draft, resolved, still_open = self.draft, set(self.resolved), set(self.open)
        rows = RunIssue.objects.filter(
            run_id=draft.run_id, entity_id=draft.entity_id, sub_service=draft.sub_service
        )
        for row in rows.order_by("id").iterator(chunk_size=500):
            if row.pk not in resolved:
                row.open = row.pk in still_open
                yield row
        yield from self.folders


def settlement(draft: Draft, troubles: Troubles) -> Settlement:
    """Decide: what this run did not store is open, whatever was open before is not any more.

    Also what was skipped: it is asked for again by each run, so that each run's ledger names what is uncovered,
    and the day on which the provider hands it out is not missed. Nor is it believed that an item is gone before
    the provider's changes name the removal: a passing "not found" would lose what is never named again.
    """
    skipped = [key for key, _, _ in troubles.skipped.values()]
    names = _folder_names(draft, troubles.folders)
    return Settlement(
        draft,
        troubles.resolved,
        [key for key, _ in troubles.failed.values()] + skipped,
        [_folder_row(draft, each, names) for each in troubles.folders.values()],
    )


def settle_issues(settled: Settlement) -> None:
    """With the snapshot: make it so."""
    draft = settled.draft
    for keys in in_batches(settled.resolved):
        RunIssue.objects.filter(pk__in=keys).delete()
    RunIssue.objects.filter(entity_id=draft.entity_id, sub_service=draft.sub_service, open=True).update(
        open=False
    )
    for keys in in_batches(settled.open):
        RunIssue.objects.filter(pk__in=keys).update(open=True)
    RunIssue.objects.bulk_create(settled.folders)


def open_upserts(draft: Draft) -> list[Upsert]:
    """Return the items that earlier runs failed to store, as they were named then."""
    rows = RunIssue.objects.filter(entity_id=draft.entity_id, sub_service=draft.sub_service, open=True)
    return [_from_json(row) for row in rows.order_by("id").values_list("upsert", flat=True)]


def doubted(draft: Draft, before: Snapshot | None) -> set[str]:
    """Return the items of which what is stored may lack a file: those named by runs since the last snapshot
    (a run that died never opened what it wrote), and what is open."""
    return set(_since(draft, before).values_list("remote_id", flat=True))


def sizes_seen(draft: Draft, before: Snapshot | None) -> dict[tuple[str, str], int]:
    """Return the sizes of items that a rule left out, by id and etag: these need not be read to be judged."""
    rows = _since(draft, before).filter(cause=SkipCause.EXCLUDED).values_list("upsert", flat=True)
    said = (_from_json(row) for row in rows.iterator(chunk_size=2_000))
    return {(item.remote_id, item.etag): item.size for item in said if item.etag and item.size is not None}


def _since(draft: Draft, before: Snapshot | None) -> "QuerySet[RunIssue]":
    rows = RunIssue.objects.filter(entity_id=draft.entity_id, sub_service=draft.sub_service)
    return rows if before is None else rows.filter(Q(open=True) | Q(run_id__gt=before.run_id))


def _row(draft: Draft, trouble: Trouble, names: dict[str, str]) -> RunIssue:
    said, problem = trouble.upsert, trouble.problem
    return RunIssue(
        account_id=draft.account_id,
        run_id=draft.run_id,
        entity_id=draft.entity_id,
        sub_service=draft.sub_service,
        kind=IssueKind.SKIPPED if problem.skip else IssueKind.FAILED,
        cause=(problem.skip or problem.code)[:60],
        remote_id=said.remote_id,
        parent_id=said.parent_id or "",
        label=(said.name or "(no subject)")[:500],
        folder_label=names.get(said.parent_id or "", "")[:500],
        what=problem.what + _reference(problem.request_id),
        do=problem.do,
        upsert=_to_json(said),
    )


def _folder_row(draft: Draft, failed: FolderFailed, names: dict[str, str]) -> RunIssue:
    return RunIssue(
        account_id=draft.account_id,
        run_id=draft.run_id,
        entity_id=draft.entity_id,
        sub_service=draft.sub_service,
        kind=IssueKind.FAILED,
        cause=failed.code[:60],
        remote_id=failed.folder_id,
        label=names.get(failed.folder_id, "A folder")[:500],
        what=failed.what + _reference(failed.request_id),
        do=failed.do,
    )


def kind_row(run: Run, failed: KindFailed) -> RunIssue:
    """Return the row that names a whole kind of data: it has no item, and nothing to be fetched again."""
    return RunIssue(
        account_id=run.account_id,
        run=run,
        entity_id=run.entity_id,
        sub_service=failed.sub_service,
        kind=IssueKind.FAILED,
        cause=failed.code[:60],
        remote_id="",
        label=f"{failed.sub_service.label}: everything",
        what=failed.what,
        do=failed.do,
    )


def _reference(request_id: str) -> str:
    return f" (reference {request_id})" if request_id else ""


def _folder_names(draft: Draft, folder_ids: Iterable[str]) -> dict[str, str]:
    hashes = [hash_of(folder_id) for folder_id in folder_ids]
    rows = draft.rows().filter(remote_hash__in=hashes, is_folder=True, gone__isnull=True)
    return dict(rows.order_by("first").values_list("remote_id", "name"))


def _to_json(said: Upsert) -> dict[str, Any]:
    return {
        "remote_id": said.remote_id,
        "parent_id": said.parent_id,
        "is_folder": said.is_folder,
        "name": said.name,
        "etag": said.etag,
        "props": said.props.decode(),
        "author": said.author,
        "recipients": said.recipients,
        "time": said.time.isoformat() if said.time else None,
        "has_attachments": said.has_attachments,
        "well_known": said.well_known,
        "size": said.size,
    }


def _from_json(data: dict[str, Any]) -> Upsert:
    time = datetime.fromisoformat(data["time"]) if data["time"] else None
    return Upsert(**{**data, "props": data["props"].encode(), "time": time})
