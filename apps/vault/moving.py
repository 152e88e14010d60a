"""Moving a shelf to another store: a job whose ledger is the packs.

1. The target gets the key envelopes, while the person waits: nothing may be written there before (C5).
2. In one transaction the shelf's store changes, so that new packs go there, and the job with one item a pack
   is written. The job brings the journals first, of which there can be many.
3. Pack by pack: copied, read back, its row switched, the old copy marked as left.
4. Packs that open writers put into the old store meanwhile follow.
5. After a grace period upkeep deletes what was left.

Killed anywhere, it goes on where it was; cancelled, what is moved stays moved and everything stays readable
(docs/storage.md).
"""

from datetime import timedelta
from typing import Final

from apps.accounts.models import Account
from apps.accounts.selectors import administrators
from apps.activity.services import record
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.jobs.api import JobContext, JobResult, NewItem
from apps.jobs.enums import OPEN_STATES, ItemOutcome, JobKind, JobState
from apps.jobs.models import Job, JobItem
from apps.jobs.services import job_create

from .answering import store_answers
from .copies import Copier, elsewhere, move_pack
from .errors import BlobError, StoreError, StoreUnavailable, VaultBusy
from .leases import Maintenance, maintenance
from .models import Pack, Shelf, Store
from .stores import customer_words

BATCH: Final = 20  # packs under one hold of the lease, so that others come in between
BUSY_WAIT: Final = timedelta(minutes=1)
STORE_WAIT: Final = timedelta(minutes=5)


def open_move(shelf: Shelf) -> Job | None:
    """Return the move of a shelf that is not over, if there is one."""
    return Job.objects.filter(kind=JobKind.MOVE, state__in=OPEN_STATES, params__shelf=shelf.pk).first()


def move_start(*, shelf: Shelf, target: Store) -> Job:
    """Let a shelf's new packs go to `target` from now on and bring the others there.

    Raises Conflict when it is being moved already, StoreError when the target does not take what it must.
    """
    require(Permission.ACCOUNT_SETTINGS)
    if open_move(shelf):
        raise Conflict("These backups are being moved already.", do="Wait for that job, or cancel it.")
    old = shelf.store
    store_answers(target)
    with maintenance(shelf.account_id, "moving") as lease:
        Copier(shelf.account_id).bring_keys(target)
        with lease.guard():
            _turn(shelf, target)
            return job_create(
                kind=JobKind.MOVE,
                items=_items(shelf),
                params={"shelf": shelf.pk},
                entity_label=f"backups from {old} to {target}",
                destination_label=str(target),
            )


def _turn(shelf: Shelf, target: Store) -> None:
    old = shelf.store
    if target.pk != old.pk:
        shelf.former.add(old)
    shelf.store, shelf.gather, shelf.moved_at = target, True, clock.now()
    if shelf.replica_id == target.pk:  # a second copy beside itself would be none
        shelf.replica = None
    shelf.save(update_fields=["store", "gather", "moved_at", "replica"])
    said = f"From {old} to {target}"
    record("storage.moved", item_label=str(target), before=str(old), after=str(target), audited=said)
    if target.account_id is not None:
        _tell(old, target)


def _tell(old: Store, target: Store) -> None:
    """What goes into somebody's own hands, all administrators know while the old copies are still there."""
    account = Account.objects.get(pk=current_account_id())
    mail_after_commit(
        "storage_moved",
        administrators(account.pk),
        account=account.name,
        who=current_actor().label,
        before=str(old),
        after=str(target),
        link="/settings/storage/",
        link_words="Storage",
    )


def _items(shelf: Shelf) -> "list[NewItem]":
    return [
        NewItem(key=bytes(pack.pack_id).hex(), label=f"Pack {bytes(pack.pack_id).hex()[:12]}", size=pack.size)
        for pack in elsewhere(shelf).iterator()
    ]


def run_move(context: JobContext) -> JobResult:
    """The handler of the job: harmless to repeat at any point."""
    shelf = Shelf.objects.select_related("store", "replica").get(pk=context.params["shelf"])
    try:
        _bring_journals(context, shelf)
        for items in context.pending_items(BATCH):
            with maintenance(shelf.account_id, "moving") as lease:
                _move_items(context, lease, shelf, items)
        if context.cancelled():
            return JobResult("What was moved stays where it is now. The rest can be moved at any time.")
        late = _late(context, shelf)
    except VaultBusy:
        context.postpone(clock.now() + BUSY_WAIT, "The vault is being maintained; this goes on by itself.")
    except StoreUnavailable as error:
        context.postpone(clock.now() + STORE_WAIT, customer_words(str(error)))
    return JobResult(
        "The old copies are deleted after 7 days.", {"late": late, "left_at": clock.now().isoformat()}
    )


def _bring_journals(context: JobContext, shelf: Shelf) -> None:
    """Give the new store what is no pack: of each store that the shelf has left, else of its second one."""
    with maintenance(shelf.account_id, "moving"):
        copier = Copier(shelf.account_id)
        for store in shelf.former.exclude(pk=shelf.store_id):
            try:
                copier.bring_the_rest(store, shelf.store)
            except StoreError as error:
                why = customer_words(str(error))
                context.log(f"The journals in {store} could not be read: {why}")
                if shelf.replica:
                    copier.bring_the_rest(shelf.replica, shelf.store)


def after_move(job: Job) -> None:
    """Nobody goes on by itself with what a person has stopped; what failed is tried again by upkeep."""
    if job.state == JobState.CANCELLED:
        Shelf.objects.filter(pk=job.params["shelf"]).update(gather=False)


def _move_items(context: JobContext, lease: Maintenance, shelf: Shelf, items: list[JobItem]) -> None:
    copier = Copier(shelf.account_id)
    by_key = {bytes.fromhex(item.key): item for item in items}
    packs = {
        bytes(pack.pack_id): pack
        for pack in Pack.objects.filter(pack_id__in=list(by_key)).select_related("store")
    }
    for pack_id, item in by_key.items():
        if context.cancelled():
            return
        pack = packs.get(pack_id)
        if pack is None:
            context.skipped(item, "gone", "Nothing needs this pack any more.")
            continue
        try:
            move_pack(copier, lease, pack, shelf)
        except BlobError as error:
            context.failed(item, "damaged", f"{error.what} It stays where it is; a check names its items.")
        else:
            context.done(item, size=pack.size)


def _late(context: JobContext, shelf: Shelf) -> int:
    """Bring the packs along that were stored in the old place after the ledger was written."""
    bad = context.job.items.filter(outcome=ItemOutcome.FAILED).values_list("key", flat=True)
    failed = {bytes.fromhex(key) for key in bad}
    late = 0
    with maintenance(shelf.account_id, "moving") as lease:
        copier = Copier(shelf.account_id)
        for pack in elsewhere(shelf).iterator():
            if bytes(pack.pack_id) in failed or context.cancelled():
                continue
            move_pack(copier, lease, pack, shelf)
            late += 1
        for store in shelf.former.exclude(pk=shelf.store_id):
            try:
                copier.bring_the_rest(store, shelf.store)
            except StoreError as error:  # upkeep goes on trying before it forgets the store
                why = customer_words(str(error))
                context.log(f"The last journals in {store} could not be looked for: {why}")
    return late
