"""Committed snapshots become measures, in their order, and alerts. May be killed anywhere.

A snapshot's measure, the alerts that came of it and the marker are one transaction that takes the marker from
the value that was read: whoever comes second finds it moved and leaves. What was not reached waits.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Min

from apps.accounts.selectors import stopped_accounts
from apps.backups.models import Entity, Snapshot
from apps.core import clock
from apps.core.scope import every_account

from .learning.course import follow
from .learning.readings import known_of
from .measuring import measure, rule_digest
from .models import Measure, Watch
from .raising import raise_all, scale_in_force
from .readings import good_at_of, last_measures, reading_of, readings_of

log = logging.getLogger(__name__)
PASS_SECONDS: Final = 20.0
PASS_SNAPSHOTS: Final = 500
ACCOUNTS_AT_ONCE: Final = 200
ANEW: Final = timedelta(days=1)
FORGET_EVERY: Final = 20
# Measures of one kind of data: the last 400, or those of 100 days; more than are ever learnt from, for replays.
KEPT: Final = 400
KEPT_FOR: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Pulled:
    """How many snapshots a pass measured, how many alerts came of them, and whether some are left."""

    measured: int = 0
    alerts: int = 0
    more: bool = False


def snapshot_came(sender: object, instance: Snapshot, created: bool, **_: Any) -> None:
    """Note what is to be measured, in the transaction that commits the snapshot.

    One that was taken long before it is committed comes out of the vault, with a catalog that is made anew:
    nobody is alarmed by it, and what was measured of it already stays.
    """
    if not created:
        return
    keys = {"entity_id": instance.entity_id, "sub_service": instance.sub_service}
    rows = Watch.objects.filter(account_id=instance.account_id, **keys)
    values: dict[str, Any] = {"committed": instance.number, "committed_at": instance.taken_at}
    if clock.now() - instance.taken_at > ANEW:
        values["quiet_up_to"] = instance.number
    row = rows.first()
    if row is None:
        new = Watch(account_id=instance.account_id, **{"quiet_up_to": instance.number - 1} | keys | values)
        # `manage.py alerts` may make it at the same moment: that must not fail the commit of a backup.
        Watch.objects.bulk_create([new], ignore_conflicts=True)
        rows.filter(committed__lt=instance.number).update(**values)
    elif instance.number > row.committed:
        rows.update(**values)
    elif not _is_measured(row, instance):  # this kind of data begins anew
        Measure.objects.filter(**keys).delete()
        rows.update(**{"quiet_up_to": 0} | values, up_to=instance.number - 1)


def _is_measured(row: Watch, snapshot: Snapshot) -> bool:
    """Tell whether it is the very snapshot that was measured, or waits for it."""
    own = Measure.objects.filter(entity_id=row.entity_id, sub_service=row.sub_service)
    known = own.filter(snapshot_number=snapshot.number).values_list("taken_at", flat=True).first()
    return snapshot.taken_at == known if known else snapshot.number > row.up_to or own.exists()


def accounts_to_measure() -> list[int]:
    """Return the accounts with snapshots to measure, the one that has waited the longest first."""
    with every_account("snapshots of all accounts are measured, fairly"):
        rows = Watch.objects.filter(committed__gt=F("up_to")).exclude(account__in=stopped_accounts())
        first = rows.order_by().values("account_id").annotate(since=Min("committed_at")).order_by("since")
        return [row["account_id"] for row in first[:ACCOUNTS_AT_ONCE]]


def pull(*, seconds: float = PASS_SECONDS, most: int = PASS_SNAPSHOTS) -> Pulled:
    """Measure what waits in the account in force, one kind of data of one mailbox after the other."""
    until, measured, alerts = time.monotonic() + seconds, 0, 0
    waiting = Watch.objects.filter(committed__gt=F("up_to")).order_by("committed_at", "pk")
    for watch in waiting.select_related("entity__task")[:most]:
        try:
            done = _pull_one(watch, until, most - measured)
        except Exception:  # what is wrong with one mailbox must not keep the others from being looked at
            log.exception("%s of %s could not be measured", watch.sub_service, watch.entity_id)
            continue
        measured, alerts = measured + done.measured, alerts + done.alerts
        if done.more or measured >= most or time.monotonic() > until:
            return Pulled(measured, alerts, True)
    return Pulled(measured, alerts, waiting.exists() and measured > 0)


def notice_all() -> int:
    """Make the markers of what was backed up before anybody took note of it; returns how many there are."""
    newest: dict[tuple[int, str], tuple[int, Any]] = {}
    rows = Snapshot.objects.order_by("entity_id", "sub_service", "number")
    for entity_id, kind, number, at in rows.values_list(
        "entity_id", "sub_service", "number", "taken_at"
    ).iterator():
        newest[entity_id, kind] = number, at
    known = set(Watch.objects.values_list("entity_id", "sub_service"))
    accounts = dict(Entity.objects.values_list("pk", "account_id"))
    Watch.objects.bulk_create(
        [
            Watch(
                account_id=accounts[entity_id],
                entity_id=entity_id,
                sub_service=kind,
                committed=number,
                committed_at=at,
                quiet_up_to=number,
            )
            for (entity_id, kind), (number, at) in newest.items()
            if (entity_id, kind) not in known
        ],
        batch_size=500,
        ignore_conflicts=True,
    )
    return len(newest)


def _pull_one(watch: Watch, until: float, most: int) -> Pulled:
    own = Snapshot.objects.filter(entity_id=watch.entity_id, sub_service=watch.sub_service)
    waiting = own.filter(number__gt=watch.up_to, number__lte=watch.committed).order_by("number")
    snapshots = list(waiting.defer("cursor", "folder_totals", "coverage")[: most + 1])
    if not snapshots:  # retention let go of all of them
        Watch.objects.filter(pk=watch.pk, up_to=watch.up_to).update(up_to=watch.committed)
        return Pulled()
    course = _Course(watch)
    for place, snapshot in enumerate(snapshots[:most]):
        if place and time.monotonic() > until:
            return Pulled(place, course.alerts, True)
        snapshot.entity = watch.entity
        if not course.enter(snapshot):  # somebody else is at it
            return Pulled(place, course.alerts)
    return Pulled(min(len(snapshots), most), course.alerts, len(snapshots) > most)


class _Course:
    """Enters the snapshots of one kind of data one after the other."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self.alerts = watch, 0
        known = last_measures(watch.entity_id, watch.sub_service)
        self._last, self._good_at = (known[-1] if known else None), good_at_of(known)
        self._readings = list(readings_of(known))
        self._rule, self._scale = rule_digest(watch.entity), scale_in_force()

    def enter(self, snapshot: Snapshot) -> bool:
        """Judge a snapshot and write all that comes of it; False when the marker was moved meanwhile."""
        watch, row = self._watch, measure(snapshot, self._last, self._rule)
        reading = reading_of(row, self._good_at)
        (judged,) = follow([reading], self._readings, scale=self._scale)
        row.odd = sorted(judged.reading.odd)
        row.is_odd = bool(row.odd)
        with transaction.atomic():
            here = Watch.objects.filter(pk=watch.pk, up_to=watch.up_to)
            if not here.update(up_to=row.snapshot_number):
                return False
            row.save(force_insert=True)
            if row.snapshot_number > watch.quiet_up_to:
                self.alerts += raise_all(watch.entity, row, judged, self._last)
            if row.snapshot_number % FORGET_EVERY == 0:
                _forget_old(row)
        watch.up_to = row.snapshot_number
        self._last, self._readings = row, known_of([*self._readings, judged.reading])
        self._good_at = row.taken_at if row.is_good else self._good_at
        return True


def _forget_old(row: Measure) -> None:
    own = Measure.objects.filter(entity_id=row.entity_id, sub_service=row.sub_service)
    old = own.filter(snapshot_number__lte=row.snapshot_number - KEPT, taken_at__lt=row.taken_at - KEPT_FOR)
    old.delete()
