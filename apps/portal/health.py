"""The Health page: is what is kept sound, who looked when, what was found, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.backups.enums import DamagedState
from apps.backups.models import BackupTask, DamagedItem
from apps.backups.selectors.damage import damaged_counts, damaged_items, fate
from apps.core.errors import NotFound
from apps.core.permissions import Permission, allowed, may_name_contents, require
from apps.recovery.access import report_in_sight
from apps.recovery.enums import DrillState
from apps.recovery.models import Drill
from apps.vault.api import last_collection
from apps.vault.enums import OPEN_CHECKS, CheckState, DamageState
from apps.vault.health import VaultHealth, damage_rows, vault_health
from apps.vault.models import Damage, GcRound, RecoveryKey, Shelf, VaultCheck

SHOWN = 50
CHECK_LOOKS = {
    CheckState.PENDING: "pending",
    CheckState.RUNNING: "in_progress",
    CheckState.CLEAN: "success",
    CheckState.LOST: "partial",
    CheckState.DAMAGED: "failed",
    CheckState.FAILED: "partial",
    CheckState.CANCELLED: "cancelled",
}
DRILL_LOOKS = {
    DrillState.RUNNING: "in_progress",
    DrillState.PASSED: "success",
    DrillState.FAILED: "failed",
    DrillState.BROKEN: "partial",
}


@dataclass(frozen=True)
class ItemRow:
    """One damaged or lost item in words; `label` is empty for people who may not see names of items."""

    mailbox: str
    folder: str
    label: str
    lost: bool
    fate: str


@dataclass(frozen=True)
class DrillRow:
    """A task and its newest drill, None while there was none; `readable`: its report names nothing hidden."""

    task: BackupTask
    drill: Drill | None
    look: str
    readable: bool


@dataclass(frozen=True)
class HealthPage:
    """The page's data. `tone` and `sentence` are its verdict in one line."""

    vault: VaultHealth
    checks: Sequence[tuple[VaultCheck, str]]
    items: Sequence[ItemRow]
    waiting: int
    lost: int
    packs: Sequence[Damage]
    drills: Sequence[DrillRow]
    replicas: Sequence[tuple[str, str]]
    recovery_key: str
    collection: GcRound | None

    @property
    def share(self) -> int | None:
        """Per cent of the bytes that were read and right within the last weeks, rounded down."""
        return None if self.vault.verified_share is None else int(self.vault.verified_share * 100)

    @property
    def tone(self) -> str:
        if self.lost or any(row.look == "failed" for row in self.drills):
            return "bad"
        return "part" if self.vault.unsettled or self.waiting else ""

    @property
    def sentence(self) -> str:
        if not self.vault.has_vault:
            return "Nothing is kept yet. Checks begin with the first backup."
        if self.lost:
            return "Something is lost: see below what, and the last day it can be opened on."
        if self.vault.unsettled or self.waiting:
            return "Damage was found. It is being mended, or fetched again by the next backups."
        if any(row.look == "failed" for row in self.drills):
            return "A restore drill found items that are not as they were."
        if not self.vault.checks:
            return "No check has ended yet. The first one begins within the hour."
        return "Nothing is damaged, as far as was looked."

    @property
    def open(self) -> VaultCheck | None:
        return self.vault.open

    @property
    def percent(self) -> int:
        """How far the open check is."""
        check = self.vault.open
        if check is None:
            return 0
        done, total = (
            (check.packs_done, check.packs_total)
            if check.tier == "structure"
            else (check.bytes_done, check.bytes_total)
        )
        return min(99, done * 100 // total) if total else 0


def health_page() -> HealthPage:
    """Collect the page for the account in force. Query count constant but for shown rows."""
    vault = vault_health()
    counts = damaged_counts()
    return HealthPage(
        vault=vault,
        checks=[(check, CHECK_LOOKS[CheckState(check.state)]) for check in vault.checks[:10]],
        items=_items(),
        waiting=counts.get(DamagedState.REFETCH, 0),
        lost=counts.get(DamagedState.LOST, 0),
        packs=[row for row in damage_rows((DamageState.FOUND, DamageState.REWRITE)) if not row.blob_id],
        drills=_drills(),
        replicas=_replicas(),
        recovery_key=_recovery_key(),
        collection=last_collection(),
    )


def _items() -> list[ItemRow]:
    # Subjects and folders are content: shown to whom a restore, a preview or an export would show them.
    names = may_name_contents()
    rows = damaged_items((DamagedState.LOST, DamagedState.REFETCH), SHOWN)
    return [_item(row, names) for row in rows]


def _item(row: DamagedItem, names: bool) -> ItemRow:
    lost = row.state == DamagedState.LOST
    return ItemRow(
        row.entity.name, row.folder_label if names else "", row.label if names else "", lost, fate(row)
    )


def _drills() -> list[DrillRow]:
    newest: dict[int, Drill] = {}
    for drill in Drill.objects.defer("report").order_by("started_at", "pk"):
        newest[drill.task_id] = drill
    may_read = allowed(Permission.PREVIEW)
    rows = []
    for task in BackupTask.objects.order_by("name", "pk"):
        last = newest.get(task.pk)
        look = DRILL_LOOKS[DrillState(last.state)] if last else "pending"
        readable = may_read and last is not None and bool(last.signature) and report_in_sight(last)
        rows.append(DrillRow(task, last, look, readable))
    return rows


def _replicas() -> list[tuple[str, str]]:
    """Return (store, state) of each second store."""
    shelves = Shelf.objects.exclude(replica=None).select_related("replica")
    return [(str(shelf.replica), shelf.trouble) for shelf in shelves.order_by("number")]


def _recovery_key() -> str:
    """Say in a word how it stands with the recovery key: confirmed, shown or none."""
    rows = list(RecoveryKey.objects.filter(replaced_at=None).values_list("confirmed_at", flat=True))
    if any(rows):
        return "confirmed"
    return "shown" if rows else "none"


def check_for(public_id: UUID, permission: Permission) -> VaultCheck:
    """Return an open check of the account. Raises NotFound, or PermissionMissing."""
    check = VaultCheck.objects.filter(public_id=public_id, state__in=OPEN_CHECKS).first()
    if check is None:
        raise NotFound("There is no such check, or it has ended.", do="Look at the Health page.")
    require(permission)
    return check


def drill_for(public_id: UUID) -> Drill:
    """Return a drill that has ended, with its report. Raises NotFound, or PermissionMissing: it names items."""
    drill = Drill.objects.exclude(report="").filter(public_id=public_id).first()
    if drill is None or not report_in_sight(drill):
        raise NotFound("There is no such report.", do="Open it from the Health page.")
    require(Permission.PREVIEW)
    return drill
