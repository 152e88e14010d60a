"""What is done with copies from time to time: replicas made and checked, stragglers moved, remains dropped.

The rows are the queue: a pack without a replica, a pack that lies elsewhere than in its shelf's store, a copy
that is due. So nothing is lost with a worker, and a store that was away for a week is caught up with by itself.
"""

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Final, TypeVar

from django.db.models import Q

from apps.core import clock

from .copies import GRACE, Copier, check_replica, drop_left, elsewhere, move_pack, replicate_pack, unreplicated
from .enums import CopyState, PackState
from .errors import VaultBusy, VaultError, VaultTaken
from .leases import Maintenance, maintenance
from .models import Pack, PackCopy, Shelf, VaultKey
from .stores import customer_words

BATCH: Final = 200  # packs of one kind of work in one go; the next pass goes on
PASS_SECONDS: Final = 30.0  # then others may have the vault's lease: half of each minute
CHECK_EVERY: Final = timedelta(days=30)  # each replica is read whole so often
CHECK_SHARE: Final = 40  # at most that many in one go, so that they spread over the month
THE_REST_EVERY: Final = timedelta(hours=1)  # journals and envelopes: found by listing, which costs requests

T = TypeVar("T")
log = logging.getLogger(__name__)


def accounts_with_copies() -> list[int]:
    """Return the accounts with something to keep up, in the scope of all accounts."""
    wanted = Q(replica__isnull=False) | Q(gather=True) | Q(former__isnull=False)
    ids = set(Shelf.objects.filter(wanted).values_list("account_id", flat=True))
    due = PackCopy.objects.filter(due_at__lt=clock.now()).values_list("account_id", flat=True)
    gone = VaultKey.objects.filter(shredding_since__isnull=False).values_list("account_id", flat=True)
    return sorted((ids | set(due.distinct())) - set(gone))


def keep_copies(account_id: int) -> str:
    """Do what is due for one account, as far as a pass goes; in its scope. Returns how it ended, in a word."""
    try:
        with maintenance(account_id, "copies") as lease:
            return _Pass(account_id, lease).run()
    except VaultBusy:
        return "busy"  # gc, a check or a move is at work: the next pass comes soon
    except VaultTaken as error:
        log.error("copies of account %s are not looked after: %s", account_id, error)
        return "taken"


class _Pass:
    """One pass over the shelves of one account."""

    def __init__(self, account_id: int, lease: Maintenance) -> None:
        self._account_id, self._lease = account_id, lease
        self._copier = Copier(account_id)
        self._until = time.monotonic() + PASS_SECONDS

    def run(self) -> str:
        word = "done"
        for shelf in Shelf.objects.select_related("store", "replica").filter(account_id=self._account_id):
            trouble = ""
            try:
                through = self._keep(shelf)
            except VaultBusy:
                raise
            except VaultError as error:
                through, trouble = False, customer_words(str(error))
                log.warning("copies of account %s, %s: %s", self._account_id, shelf, error)
            fields = {"trouble": trouble} | ({"kept_at": clock.now()} if through else {})
            Shelf.objects.filter(pk=shelf.pk).update(**fields)
            word = "trouble" if trouble else word if through else "more"
        return word

    def _keep(self, shelf: Shelf) -> bool:
        """Do one shelf's work in the order of its weight. True when nothing is left to do now."""
        through = self._gather(shelf) if shelf.gather else True
        through = self._replicate(shelf) and through
        through = self._drop(shelf) and through
        return self._check(shelf) and through

    def _gather(self, shelf: Shelf) -> bool:
        """Bring home what writers that were open during a move put into the old store."""
        for pack in islice(elsewhere(shelf).iterator(), BATCH):
            if not self._time():
                return False
            move_pack(self._copier, self._lease, pack, shelf)
        return not elsewhere(shelf).exists()

    def _replicate(self, shelf: Shelf) -> bool:
        if shelf.replica is None:
            return True
        self._the_rest(shelf)
        later = PackCopy.objects.filter(state=CopyState.FAILED, store=shelf.replica, due_at__gt=clock.now())
        waiting = unreplicated(shelf).exclude(pk__in=later.values("pack_id"))
        for pack in self._in_time(islice(waiting.iterator(), BATCH)):
            replicate_pack(self._copier, self._lease, pack, shelf.replica)
        return not waiting.exists()

    def _the_rest(self, shelf: Shelf) -> None:
        if shelf.replica and (shelf.kept_at is None or clock.now() - shelf.kept_at > THE_REST_EVERY):
            self._copier.bring_the_rest(shelf.store, shelf.replica)

    def _check(self, shelf: Shelf) -> bool:
        """Read the replicas that nobody has read for a month."""
        if shelf.replica is None:
            return True
        old = PackCopy.objects.filter(
            store=shelf.replica,
            state=CopyState.REPLICA,
            checked_at__lt=clock.now() - CHECK_EVERY,
            pack__shelf=shelf.number,
            pack__state=PackState.STORED,
        )
        oldest = old.select_related("pack__store", "store").order_by("checked_at")[:CHECK_SHARE]
        for copy in self._in_time(oldest):
            check_replica(self._copier, self._lease, copy)
        return True

    def _drop(self, shelf: Shelf) -> bool:
        """Delete what moves left behind, and forget the stores in which nothing is left."""
        with self._lease.guard():  # their objects are deleted with their packs, by gc
            PackCopy.objects.filter(pack__shelf=shelf.number, pack__state=PackState.DELETED).delete()
            # Made while somebody chose another second store: nobody wants them any more.
            kept = Q(state=CopyState.LEFT) | Q(store=shelf.store_id) | Q(store=shelf.replica_id)
            stray = PackCopy.objects.filter(pack__shelf=shelf.number).exclude(kept)
            stray.update(state=CopyState.LEFT, due_at=clock.now() + GRACE)
        due = PackCopy.objects.filter(
            state=CopyState.LEFT, due_at__lte=clock.now(), pack__shelf=shelf.number
        ).select_related("pack__store", "store")
        for copy in self._in_time(list(due[:BATCH])):
            drop_left(self._copier, self._lease, copy)
        for store in shelf.former.all():
            if not self._time():
                return False
            if store.pk != shelf.store_id:
                self._leave(shelf, store.pk)
        return not due.filter(due_at__lte=clock.now()).exists()

    def _leave(self, shelf: Shelf, store_id: int) -> None:
        """Forget a former store once no pack and no copy of this shelf is in it, and nobody writes there."""
        if shelf.moved_at and clock.now() - shelf.moved_at < GRACE:
            return
        packs = Pack.objects.filter(shelf=shelf.number, store_id=store_id).exclude(state=PackState.DELETED)
        if packs.exists() or PackCopy.objects.filter(pack__shelf=shelf.number, store_id=store_id).exists():
            return
        store = shelf.former.get(pk=store_id)
        self._copier.bring_the_rest(store, shelf.store)  # what came in after the move: journals, envelopes
        used = Q(store=store) | Q(replica=store)
        others = Shelf.objects.filter(used | Q(former=store), account_id=self._account_id).exclude(pk=shelf.pk)
        if not others.exists() and shelf.replica_id != store_id:
            self._copier.clear_the_rest(
                store
            )  # first: a forgotten store with keys in it would never be shredded
        with self._lease.guard():
            shelf.former.remove(store)

    def _in_time(self, rows: Iterable[T]) -> Iterable[T]:
        for row in rows:
            if not self._time():
                return
            yield row

    def _time(self) -> bool:
        return time.monotonic() < self._until
