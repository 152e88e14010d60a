"""What a restore would do: every chosen item looked up in the live target, nothing written."""

import hashlib
import hmac
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from apps.backups.models import Entity
from apps.backups.selectors.browse import AsOf, Node, as_of, contents
from apps.backups.selectors.points import Point
from apps.backups.selectors.tree import Folder, Tree, folder_tree
from apps.connectors.enums import Service
from apps.core.actor import current_actor
from apps.core.discretion import told
from apps.core.errors import Conflict, EverkeepError, InvalidRequest, PermissionMissing
from apps.jobs.base import NewItem
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.jobs.services import job_create

from ..choosing import chosen, expand
from ..enums import PlanState, RestoreMode
from ..models import Plan
from ..services import selections_of
from .folders import TargetFolders, free_root_name
from .target import Target, open_target

LOOKUPS = 2_000
NO_LONGER_ALLOWED = "Whoever asked for this may no longer do it, so it was not looked at."
_BATCH = 200


def plan_create(*, point: Point, target: Entity, mode: str) -> Plan:
    """Write down what is selected and where to; it is looked at by `plan_make`. Raises InvalidRequest."""
    selection = next(iter(selections_of(point)), None)
    if selection is None:
        raise InvalidRequest("Nothing is selected.", do="Tick messages or folders first.")
    return Plan.objects.create(
        account_id=selection.account_id,
        snapshot=selection.snapshot,
        user_id=selection.user_id,
        items=selection.items,
        folders=selection.folders,
        everything=selection.everything,
        target=target,
        mode=RestoreMode(mode),
    )


def plan_make(*, plan: Plan) -> Plan:
    """Look at the live target and fill the plan in; a target that cannot be looked at makes it FAILED."""
    state = as_of(plan.snapshot)
    tree = folder_tree(plan.snapshot, state)
    try:
        with open_target(plan.target) as target:
            live = target.do(target.items(plan.snapshot.sub_service).folders())
            if plan.mode == RestoreMode.NEW_ROOT:
                plan.root_name = free_root_name(live, f"Restored {timezone.localdate():%Y-%m-%d}")
            folders = TargetFolders(tree, live, plan.root_name)
            plan.rows = list(_Look(plan, state, tree, folders).rows(target))
        plan.state = PlanState.READY
    except EverkeepError as error:
        plan.state, plan.message, plan.error_code = PlanState.FAILED, told(error, plan.public_id), error.code
    plan.save(update_fields=["root_name", "rows", "state", "message", "error_code"])
    return plan


def plan_refuse(*, plan: Plan) -> Plan:
    """Whoever asked for a plan lost the right before it was looked at: it must not stay "being made"."""
    plan.state, plan.message, plan.error_code = PlanState.FAILED, NO_LONGER_ALLOWED, PermissionMissing.code
    plan.save(update_fields=["state", "message", "error_code"])
    return plan


@transaction.atomic
def plan_start(*, plan: Plan) -> Job:
    """Turn a ready plan into a job with one ledger row an item. Raises Conflict when it was started before."""
    if not Plan.objects.filter(pk=plan.pk, state=PlanState.READY).update(state=PlanState.STARTED):
        raise Conflict("This plan was started already, or is not ready.", do="Look for it among the jobs.")
    snapshot, target = plan.snapshot, plan.target
    where = f"{target.name}, {plan.root_name}" if plan.root_name else f"{target.name}, where it was"
    plan.job = job_create(
        kind=JobKind.RESTORE,
        items=_ledger(plan),
        params={"plan": str(plan.public_id)},
        service=Service(snapshot.entity.task.service),
        task_label=snapshot.entity.task.name,
        entity_label=snapshot.entity.name,
        destination_label=where,
        entity_id=snapshot.entity.public_id,
        destination_id=target.public_id,
        backup_date=snapshot.taken_at,
    )
    plan.save(update_fields=["job"])
    return plan.job


def restore_key(plan: Plan, node: Node) -> str:
    """Name one item of one restore: the same after every restart, never the same in another restore."""
    return hmac.new(plan.public_id.bytes, f"restore:{node.id}".encode(), hashlib.sha256).hexdigest()[:48]


def may_start(plan: Plan) -> bool:
    return plan.state == PlanState.READY and plan.user_id == current_actor().user_id


def _ledger(plan: Plan) -> Iterator[NewItem]:
    state = as_of(plan.snapshot)
    tree = folder_tree(plan.snapshot, state)
    for folder, node in expand(chosen(plan, state, tree), state, tree):
        yield NewItem(
            key=restore_key(plan, node),
            label=node.name or "(no subject)",
            folder_label=" / ".join(folder.path) if folder else "",
            size=node.size,
            node_version_id=node.id,
            details={"folder": folder.node.remote_id if folder else ""},
        )


class _Look:
    """Counts, folder by folder, what would be created, replaced and skipped."""

    def __init__(self, plan: Plan, state: AsOf, tree: Tree, folders: TargetFolders) -> None:
        self._plan, self._state, self._tree, self._folders = plan, state, tree, folders
        self._left = 0 if plan.mode == RestoreMode.NEW_ROOT else LOOKUPS

    def rows(self, target: Target) -> Iterator[dict[str, int | str]]:
        by_folder: dict[str, dict[str, int | str]] = {}
        found = chosen(self._plan, self._state, self._tree)
        for folder, nodes in _groups(expand(found, self._state, self._tree)):
            name = " / ".join(folder.path) if folder else "Without a folder"
            row = by_folder.setdefault(
                name, {"folder": name, "create": 0, "replace": 0, "skip": 0, "open": 0, "size": 0}
            )
            there, open_ = self._there(target, folder, nodes)
            column = "replace" if self._plan.mode == RestoreMode.REPLACE else "skip"
            kept = column == "skip"
            for name_, count in (
                (column, len(there)),
                ("open", open_),
                ("create", len(nodes) - len(there) - open_),
            ):
                row[name_] = int(row[name_]) + count
            row["size"] = int(row["size"]) + sum(n.size for n in nodes if not (kept and n.remote_id in there))
        yield from by_folder.values()

    def _there(self, target: Target, folder: Folder | None, nodes: list[Node]) -> tuple[set[str], int]:
        """Return which items are live already, and how many were not looked up, to be quick."""
        live_id = self._folders.find(folder)
        if self._plan.mode == RestoreMode.NEW_ROOT or live_id is None:
            return set(), 0
        looked = nodes[: self._left]
        self._left -= len(looked)
        if not looked:
            return set(), len(nodes)
        props = contents(self._state, [node.id for node in looked])
        pairs = [(node.remote_id, props[node.id].props) for node in looked if node.id in props]
        found = target.do(target.items(self._state.sub_service).find_existing(live_id, pairs))
        return set(found), len(nodes) - len(looked)


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
