"""One call, whatever is due: the door of garbage collection."""

import logging
from typing import Final

from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.core import clock

from ..enums import OPEN_ROUNDS, GcState
from ..errors import GcRefused, ReferencesUnreadable
from ..leases import Maintenance, maintenance
from ..models import GcRound
from ..services import open_vault
from .marking import forget_marks, mark, rehearse
from .quarantine import empty_quarantine
from .rewriting import rewrite
from .rules import EVERY, Census
from .sweeping import may_sweep, sweep
from .work import Work

PURPOSE: Final = "garbage collection"
log = logging.getLogger("everkeep.vault")


def collect(account_id: int, *, now: bool = False, forced: bool = False) -> GcRound | None:
    """Do what is due in this account's vault, in its scope; returns the newest round.

    1. Delete objects whose quarantine is over.
    2. Go on with the open round, or begin one when the last is a week old (`now`: at once).

    `forced` goes on over surprising numbers, for the whole round. Raises VaultBusy while somebody else
    maintains the vault, GcRefused and ReferencesUnreadable (nothing was removed, the round is closed),
    StoreError.
    """
    with maintenance(account_id, PURPOSE) as lease:
        last = GcRound.objects.order_by("-pk").first()
        if last is not None:
            empty_quarantine(_work(account_id, lease, last))
        current = last if last is not None and last.state in OPEN_ROUNDS else None
        if current is None and (now or forced or last is None or clock.now() >= last.started_at + EVERY):
            current = GcRound.objects.create(account_id=account_id, forced=forced)
        if current is None:
            return last
        if forced and not current.forced:
            GcRound.objects.filter(pk=current.pk).update(forced=True)
            current.forced = True
        _go_on(_work(account_id, lease, current))
        return current


def rehearsal(account_id: int) -> Census:
    """Count what a round would find now, and change nothing. Raises as `collect` does, GcRefused apart."""
    with maintenance(account_id, PURPOSE) as lease:
        return rehearse(_work(account_id, lease, GcRound(account_id=account_id)))


def _work(account_id: int, lease: Maintenance, current: GcRound) -> Work:
    return Work(open_vault(account_id=account_id), lease, current)


def _go_on(work: Work) -> None:
    try:
        if work.round.state == GcState.MARKING:
            mark(work)
        elif may_sweep(work):
            rewrite(work, sweep(work))
            _close(work, GcState.DONE)
    except (GcRefused, ReferencesUnreadable) as error:
        forget_marks(work)
        _close(work, GcState.REFUSED, str(error))
        raise


def _close(work: Work, state: GcState, message: str = "") -> None:
    done = work.round
    with work.lease.guard():
        work.note(state=state, message=message, finished_at=clock.now())
        if message:
            log.error("garbage collection of account %s: %s", work.account_id, message)
            activity.record("vault.collection_refused", status=ActivityStatus.FAILED, message=message)
        elif done.removed or done.rewritten:
            activity.record(
                "vault.collected", blobs=done.removed, bytes=done.removed_bytes, packs_rewritten=done.rewritten
            )
