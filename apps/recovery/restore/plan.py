"""What a restore would do: every chosen item looked up in the live target, nothing written."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.backups.models import Entity
from apps.backups.selectors.browse import Node, contents
from apps.backups.selectors.points import Point
from apps.backups.selectors.tree import Folder
from apps.connectors.base import Upsert
from apps.connectors.enums import Service, SubService
from apps.connectors.writing import Listing
from apps.core.actor import current_actor
from apps.core.discretion import told
from apps.core.errors import Conflict, EverkeepError, InvalidRequest, PermissionMissing
from apps.core.permissions import Permission, require
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.jobs.services import job_create
from apps.vault.api import open_reader

from ..enums import PlanState, RestoreMode
from ..models import Choice, Plan, PlanPart
from ..services import selections_of
from .differences import SAMPLES, Difference, differences
from .folders import free_root_name
from .lanes import Lane, open_lanes, parts_of
from .root import wanted_root
from .target import Target, open_target
from .wanted import ledger_of, wanted_nodes

NO_LONGER_ALLOWED = "Whoever asked for this may no longer do it, so it was not looked at."
LOST_PEOPLE = (
    "Events that are overwritten keep their attendees in the text only: Microsoft would invite them again. "
    "An undo cannot bring the attendees back either."
)
FROM_ARCHIVE = (
    "Mail of the in-place archive comes back into a folder “In-Place Archive” of the mailbox: "
    "Microsoft offers no way to write into an archive. The mailbox needs room for it."
)
COLUMNS = ("create", "replace", "duplicate", "skip", "size")
_FOUND = ("root_name", "rows", "notes", "samples", "missing", "state", "message", "error_code")
_BATCH = 200
_COLUMN = {
    RestoreMode.NEW_ROOT: "create",
    RestoreMode.SKIP: "skip",
    RestoreMode.REPLACE: "replace",
    RestoreMode.DUPLICATE: "duplicate",
}


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What else a person wants (RST-07). `root` names the new folder of NEW_ROOT, empty: by the day."""

    tag: bool = False
    mark_folders: bool = False
    backup_first: bool = False
    notify: bool = False
    root: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Where to and how, of one or more plans. `repeats` and `failed_only` as those of a job."""

    target: Entity
    mode: str
    options: RestoreOptions = field(default_factory=RestoreOptions)
    batch: UUID | None = None
    repeats: Job | None = None
    failed_only: bool = False


def plan_create(*, point: Point, target: Entity, mode: str, options: RestoreOptions | None = None) -> Plan:
    """Write down what the actor has selected and where to; `plan_make` looks at it. Raises InvalidRequest."""
    selections = selections_of(point)
    if not selections:
        raise InvalidRequest("Nothing is selected.", do="Tick items or folders first.")
    return plan_write(point=point, choices=selections, order=Order(target, mode, options or RestoreOptions()))


@transaction.atomic
def plan_write(*, point: Point, choices: list[Any], order: Order) -> Plan:
    """Write down a plan for these choices (`models.Choice`, saved or not) of the actor.

    Raises PermissionMissing when a backup is wanted first by who may not start one.
    """
    if order.options.backup_first:
        require(Permission.EXECUTE)
    plan = Plan.objects.create(
        account_id=point.run.account_id,
        user_id=current_actor().user_id or 0,
        run=point.run,
        source=point.run.entity,
        target=order.target,
        mode=RestoreMode(order.mode),
        options=asdict(order.options),
        batch=order.batch,
        repeats=order.repeats,
        failed_only=order.failed_only,
    )
    for choice in choices:
        _add_part(plan, choice)
    return plan


def _add_part(plan: Plan, choice: Choice) -> None:
    PlanPart.objects.create(
        account_id=plan.account_id,
        plan=plan,
        snapshot=choice.snapshot,
        user_id=plan.user_id,
        items=choice.items,
        folders=choice.folders,
        everything=choice.everything,
    )


def plan_make(*, plan: Plan) -> Plan:
    """Look at the live target and fill the plan in; a target that cannot be looked at makes it FAILED.

    A look that comes too late (the plan is started, or looked at anew) changes nothing.
    """
    if plan.state != PlanState.MAKING:
        return plan
    plan.notes, plan.samples = [], []
    parts, without = parts_of(plan), list[PlanPart]()
    try:
        with open_target(plan.target) as target:
            without = _leave_out(plan, parts, target)
            parts = [part for part in parts if part not in without]
            kinds = [SubService(part.snapshot.sub_service) for part in parts]
            plan.missing = target.do(target.writer.missing(kinds))
            lanes = open_lanes(plan, target, partial(_name_root, plan), parts)
            looks = [_Look(lane) for lane in lanes.values()]
            plan.rows = [row for look in looks for row in look.rows()]
            plan.samples = [each for look in looks for each in look.differences()]
            if filed := sum(look.elsewhere for look in looks):
                plan.notes.append(
                    f"Filed elsewhere in the mailbox, so left where they are: {filed:,} messages."
                )
            if any(look.archived for look in looks):
                plan.notes.append(FROM_ARCHIVE)
            _warn(plan)
        plan.state = PlanState.READY
    except EverkeepError as error:
        plan.state, plan.message, plan.error_code = PlanState.FAILED, told(error, plan.public_id), error.code
    return _note(plan, without)


@transaction.atomic
def _note(plan: Plan, without: list[PlanPart]) -> Plan:
    """Write down what a look has found, unless the plan has gone on since this look was asked for."""
    same_look = Plan.objects.filter(pk=plan.pk, state=PlanState.MAKING, created_at=plan.created_at)
    if same_look.update(**{name: getattr(plan, name) for name in _FOUND}):
        PlanPart.objects.filter(pk__in=[part.pk for part in without]).delete()
    else:
        plan.refresh_from_db()
    return plan


def _leave_out(plan: Plan, parts: list[PlanPart], target: Target) -> list[PlanPart]:
    """Say and return which kinds of data cannot be written back at all: the plan goes on without them."""
    without = []
    for part in parts:
        try:
            target.items(part.snapshot.sub_service)
        except InvalidRequest as error:
            plan.notes.append(f"{error} They are left out.")
            without.append(part)
    return without


def _warn(plan: Plan) -> None:
    """Say what overwriting costs that nobody expects."""
    events = [row for row in plan.rows if row["kind"] == SubService.CALENDARS.label]
    if plan.mode == RestoreMode.REPLACE and any(row["replace"] for row in events):
        plan.notes.append(LOST_PEOPLE)


def _name_root(plan: Plan, live: Sequence[Upsert]) -> str:
    if plan.mode == RestoreMode.NEW_ROOT:
        plan.root_name = free_root_name((folder.name for folder in live), wanted_root(plan))
    return plan.root_name


def plan_refuse(*, plan: Plan) -> Plan:
    """Whoever asked for a plan lost the right before it was looked at: it must not stay "being made"."""
    plan.state, plan.message, plan.error_code = PlanState.FAILED, NO_LONGER_ALLOWED, PermissionMissing.code
    return _note(plan, [])


@transaction.atomic
def plan_start(*, plan: Plan) -> Job:
    """Turn a ready plan into a job with one ledger row an item.

    Raises Conflict when it was started before, InvalidRequest while write access is missing.
    """
    if plan.missing:
        raise InvalidRequest(
            "Write access is missing, so nothing can be restored yet.",
            do="Grant it at Microsoft, then look again.",
        )
    source, target, run = plan.source, plan.target, plan.run
    whole = Plan.objects.filter(pk=plan.pk, state=PlanState.READY, source__isnull=False, run__isnull=False)
    if source is None or run is None or not whole.update(state=PlanState.STARTED):
        raise Conflict("This plan was started already, or is not ready.", do="Look for it among the jobs.")
    plan.job = job_create(
        kind=JobKind.RESTORE,
        items=ledger_of(plan),
        params={"plan": str(plan.public_id)},
        service=Service(source.task.service),
        task_label=source.task.name,
        entity_label=source.name,
        destination_label=_where(plan),
        entity_id=source.public_id,
        destination_id=target.public_id,
        organisation=str(target.task.connection) if plan.crosses_tenants else "",
        backup_date=run.finished_at or run.started_at,
        repeats=plan.repeats,
        failed_only=plan.failed_only,
    )
    plan.save(update_fields=["job"])
    return plan.job


def _where(plan: Plan) -> str:
    place = plan.root_name or "where it was"
    if not plan.crosses_tenants:
        return f"{plan.target.name}, {place}"
    return f"{plan.target.name} of {plan.target.task.connection}, {place}"


class _Look:
    """Counts, folder by folder, what would be created, replaced, doubled and skipped of one kind of data."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.elsewhere = 0
        self.archived = False
        self._listed: tuple[str, Listing | None] = ("", None)
        self._replaced: list[tuple[Node, str]] = []

    def differences(self) -> list[Difference]:
        """Return what overwriting changes of a few of the items that were looked at."""
        if not self._replaced:
            return []
        return differences(self._lane, open_reader(self._lane.state.account_id), self._replaced)

    def rows(self) -> Iterator[dict[str, int | str]]:
        lane = self._lane
        by_folder: dict[str, dict[str, int | str]] = {}
        for folder, nodes in _groups(wanted_nodes(lane.part, lane.state, lane.tree)):
            self.archived = self.archived or (folder is not None and lane.tree.in_archive(folder))
            name = " / ".join(folder.path) if folder else "Without a folder"
            empty = {"kind": lane.kind.label, "folder": name} | dict.fromkeys(COLUMNS, 0)
            row = by_folder.setdefault(name, empty)
            there, same = self._there(folder, nodes)
            for name_, count in (
                (_COLUMN[lane.mode], len(there) - len(same)),
                ("skip", len(same)),
                ("create", len(nodes) - len(there)),
            ):
                row[name_] = int(row[name_]) + count
            left = there if lane.mode == RestoreMode.SKIP else same
            row["size"] = int(row["size"]) + sum(n.size for n in nodes if n.remote_id not in left)
        yield from by_folder.values()

    def _there(self, folder: Folder | None, nodes: list[Node]) -> tuple[set[str], set[str]]:
        """Return what is live, and what of it needs no replacing."""
        lane, live_id = self._lane, self._lane.folders.find(folder)
        if lane.mode == RestoreMode.NEW_ROOT:
            return set(), set()
        there, same = self._in_place(live_id, nodes) if live_id is not None else (set[str](), set[str]())
        filed = lane.elsewhere(live_id, [n.remote_id for n in nodes if n.remote_id not in there])
        self.elsewhere += len(filed)
        return there | filed, same | filed

    def _in_place(self, live_id: str, nodes: list[Node]) -> tuple[set[str], set[str]]:
        lane = self._lane
        listing = self._listing(live_id, len(nodes))
        props = contents(lane.state, [node.id for node in nodes])
        pairs = [(node.remote_id, props[node.id].props) for node in nodes if node.id in props]
        live = lane.there_already(live_id, pairs, listing)
        same = lane.unchanged(nodes, live, listing)
        if lane.mode == RestoreMode.REPLACE and len(self._replaced) < SAMPLES:
            there = (node for node in nodes if node.remote_id in live and node.remote_id not in same)
            self._replaced += [(node, live[node.remote_id]) for node in there]
        return set(live), same

    def _listing(self, live_id: str, asked: int) -> Listing | None:
        """Read a folder at once when many of its items are asked for; one that is read stays for the next."""
        if self._listed[0] != live_id and asked >= _BATCH:
            self._listed = (live_id, self._lane.listing(live_id))
        return self._listed[1] if self._listed[0] == live_id else None


def _groups(items: Iterator[tuple[Folder | None, Node]]) -> Iterator[tuple[Folder | None, list[Node]]]:
    """Cut the items into batches of one folder each."""
    batch: list[Node] = []
    at: Folder | None = None
    for folder, node in items:
        if batch and (folder is not at or len(batch) >= _BATCH):
            yield at, batch
            batch = []
        at = folder
        batch.append(node)
    if batch:
        yield at, batch
