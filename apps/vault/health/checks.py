"""Ordering, scheduling, claiming and ending checks. The work itself is in work.py.

A check is worked on in slices: a task holds the lease for a minute or so, notes how far it got, and the next
one goes on. So a check of any size blocks no worker, outlives a restart, and is stopped between two packs.
"""

import logging
import os
import socket
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from kombu.exceptions import KombuError

from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict
from apps.core.scope import every_account

from ..enums import ENDED_CHECKS, OPEN_CHECKS, WHOLE_TIERS, CheckState, CheckTier, CheckTrigger
from ..models import VaultCheck, VaultKey

log = logging.getLogger("everkeep.vault")
SLACK: Final = timedelta(hours=4)  # for what a check takes and a queue makes it wait
CHECK_EVERY: Final = timedelta(days=1) - SLACK
STRUCTURE_EVERY: Final = timedelta(days=7)
SAMPLES_PER_ROUND: Final = 28  # a daily sample reads this fraction: each byte is read once in four weeks
LEASE: Final = timedelta(minutes=10)  # longer than one pack takes on the slowest store
KEEP: Final = timedelta(days=400)
GAVE_WAY: Final = "The list of backups was made anew: a check of everything follows."

_ENDINGS = {
    CheckState.CLEAN: ActivityStatus.DONE,
    CheckState.LOST: ActivityStatus.PARTIAL,
    CheckState.DAMAGED: ActivityStatus.PARTIAL,
    CheckState.FAILED: ActivityStatus.FAILED,
    CheckState.CANCELLED: ActivityStatus.FAILED,
}


def check_order(*, account_id: int, tier: CheckTier) -> VaultCheck:
    """Order a check in the actor's name, in the account's scope, and send it to a worker.

    Raises Conflict when one is open.
    """
    from ..health_tasks import work_on_check  # noqa: PLC0415 - it imports this package

    with transaction.atomic():
        check = check_open(account_id, tier, CheckTrigger.PERSON, current_actor().label)
        activity.record("check.ordered", item_label=check.get_tier_display(), subject_id=check.public_id)
        work_on_check.after_commit(account_id=account_id, check_id=check.pk)
    return check


def check_cancel(*, check: VaultCheck) -> None:
    """Ask a check to stop after the pack it is at; one that nobody works on ends at once."""
    with transaction.atomic():
        activity.record("check.cancelled", item_label=check.get_tier_display(), subject_id=check.public_id)
        open_ = VaultCheck.objects.filter(pk=check.pk, state__in=OPEN_CHECKS)
        open_.update(cancel_requested=True)
        idle = open_.filter(Q(lease_owner="") | Q(lease_until__lt=clock.now())).first()
        if idle is not None:
            end(idle, CheckState.CANCELLED, "Cancelled.")


def check_after_rebuild(account_id: int) -> None:
    """Order a look at everything, in the account's scope: rows that were made anew are proved by nothing yet.

    A check that is open gives way: it began before them. Outside transactions: what was rebuilt stays, whether
    or not the check can be ordered and sent now.
    """
    from ..health_tasks import work_on_check  # noqa: PLC0415 - it imports this package

    try:
        with transaction.atomic():
            for open_ in VaultCheck.objects.select_for_update().filter(state__in=OPEN_CHECKS):
                end(open_, CheckState.CANCELLED, GAVE_WAY)
            check = check_open(account_id, CheckTier.RESTORED, CheckTrigger.REBUILD)
        work_on_check.after_commit(account_id=account_id, check_id=check.pk)
    except Conflict as error:
        log.warning("account %s: the check after a rebuild is not ordered: %s", account_id, error)
    except (KombuError, OSError) as error:
        log.warning("account %s: the check after a rebuild waits for the beat: %s", account_id, error)


def check_open(account_id: int, tier: CheckTier, trigger: CheckTrigger, asked_by: str = "") -> VaultCheck:
    """Write the row of a new check. Raises Conflict when one is open."""
    try:
        with transaction.atomic():
            return VaultCheck.objects.create(
                account_id=account_id, tier=tier, trigger=trigger, asked_by=asked_by[:200]
            )
    except IntegrityError:
        raise Conflict(
            "A check of this vault is under way already.", do="Wait for its end, or cancel it."
        ) from None


def checks_schedule() -> int:
    """Order what is due: a structure check a week, a sample on all other days. Returns how many."""
    ordered = 0
    with every_account("the daily check covers the vaults of all accounts"):
        for account_id in VaultKey.objects.filter(shredding_since=None).values_list("account_id", flat=True):
            tier = _due(account_id, clock.now())
            if tier is None:
                continue
            try:
                check_open(account_id, tier, CheckTrigger.SCHEDULE)
            except Conflict:
                continue
            ordered += 1
        VaultCheck.objects.filter(finished_at__lt=clock.now() - KEEP).delete()
    return ordered


def _due(account_id: int, now: datetime) -> CheckTier | None:
    done = VaultCheck.objects.filter(account_id=account_id)
    if done.filter(Q(state__in=OPEN_CHECKS) | Q(created_at__gt=now - CHECK_EVERY)).exists():
        return None
    ended = done.filter(state__in=ENDED_CHECKS)
    recent = ended.filter(
        tier__in=(CheckTier.STRUCTURE, *WHOLE_TIERS), created_at__gt=now - STRUCTURE_EVERY + SLACK
    )
    return CheckTier.SAMPLE if recent.exists() else CheckTier.STRUCTURE


def checks_dispatch() -> list[tuple[int, int]]:
    """Return (account, check) of what is open and has no worker."""
    with every_account("checks of all vaults are handed to the workers"):
        free = Q(lease_owner="") | Q(lease_until__lt=clock.now())
        rows = VaultCheck.objects.filter(free, state__in=OPEN_CHECKS).order_by("created_at")
        return list(rows.values_list("account_id", "pk"))


def claim(check_id: int) -> VaultCheck | None:
    """Take a check, in its account's scope; None when it is over or somebody else has it."""
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    now = clock.now()
    free = Q(lease_owner="") | Q(lease_until__lt=now)
    rows = VaultCheck.objects.filter(free, pk=check_id, state__in=OPEN_CHECKS)
    if not rows.update(lease_owner=owner, lease_until=now + LEASE, state=CheckState.RUNNING):
        return None
    VaultCheck.objects.filter(pk=check_id, started_at=None).update(started_at=now)
    return VaultCheck.objects.get(pk=check_id)


def save(check: VaultCheck) -> bool:
    """Note how far a check got and prolong its lease. False: it is not ours any more, or shall stop."""
    values = {
        name: getattr(check, name)
        for name in (
            "cursor", "packs_total", "packs_done", "bytes_total", "bytes_done", "contents_done", "findings",
        )
    }  # fmt: skip
    mine = VaultCheck.objects.filter(pk=check.pk, lease_owner=check.lease_owner)
    return (
        bool(mine.update(lease_until=clock.now() + LEASE, **values))
        and not mine.filter(cancel_requested=True).exists()
    )


def give_back(check: VaultCheck) -> None:
    """Let the next worker go on."""
    VaultCheck.objects.filter(pk=check.pk, lease_owner=check.lease_owner).update(
        lease_owner="", lease_until=None
    )


def end(check: VaultCheck, state: CheckState, message: str) -> None:
    """Close a check that is ours, with its activity line when somebody may want to know."""
    with transaction.atomic():
        mine = VaultCheck.objects.filter(pk=check.pk, lease_owner=check.lease_owner, state__in=OPEN_CHECKS)
        if not mine.update(
            state=state, message=message, finished_at=clock.now(), lease_owner="", lease_until=None
        ):
            return
        as_ever = state == CheckState.CLEAN or (state == CheckState.LOST and not check.findings)
        if check.trigger != CheckTrigger.SCHEDULE or not as_ever:
            activity.record(
                "check.finished",
                status=_ENDINGS[state],
                item_label=check.get_tier_display(),
                subject_id=check.public_id,
                message=message,
            )
