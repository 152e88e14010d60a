"""Reading an account's chain from its first entry to its last, and naming the first that is not right."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Max

from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope
from apps.core.sealing import unseal
from apps.core.sight import whole_sight

from .chain import VERSION, genesis, seal_of
from .heads import Head, heads_told
from .models import AuditEpoch, ChainHead, SecurityEvent

BATCH: Final = 1000
CHECK_EVERY: Final = timedelta(hours=23)
log = logging.getLogger("everkeep.audit")


@dataclass(frozen=True, slots=True)
class Finding:
    """The first entry that is not right, and what is wrong with it."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reading of the chain found. `trouble`: heads that could not be compared, which proves less.

    `since`: the operator vouched for what was found before it; this is said of the entries from there on.
    """

    account_id: int
    last: int
    seal: str
    compared: int
    finding: Finding | None
    trouble: str = ""
    since: AuditEpoch | None = None

    @property
    def unbroken(self) -> bool:
        return self.finding is None


def chain_verify(account_id: int) -> Verdict:
    """Read the whole chain and compare it with its head and with every head that was kept elsewhere.

    Entries that are written meanwhile do no harm. Memory: one batch.
    """
    with account_scope(account_id), whole_sight("a chain is judged with all its entries"):
        newest = SecurityEvent.objects.aggregate(newest=Max("sequence"))["newest"] or 0
        head = ChainHead.objects.select_related("account").filter(account_id=account_id).first()
        told, trouble = _told(account_id)
        epochs = _epochs(account_id)
        walk = _Walk(told, 0, genesis(head.account.public_id) if head else "", epochs[0] if epochs else None)
        finding = _strangers(head, newest) or walk.run(None if epochs else head)
        for epoch, following in zip(epochs, [*epochs[1:], None], strict=False):
            if finding and finding.sequence != epoch.found:
                finding = Finding(finding.sequence, f"{finding.what} This is not what was vouched for.")
                break
            first = SecurityEvent.objects.get(sequence=epoch.sequence)
            walk = _Walk(told, epoch.sequence - 1, first.previous, following)
            finding = walk.run(None if following else head)
        last = epochs[-1] if epochs else None
        return Verdict(account_id, walk.last, walk.seal, len(told), finding, trouble, last)


def chain_check(account_id: int) -> Verdict:
    """Do so and note what came of it, for the page."""
    verdict = chain_verify(account_id)
    found = verdict.finding
    with account_scope(account_id):
        ChainHead.objects.filter(account_id=account_id).update(
            checked_at=clock.now(),
            checked_to=verdict.last,
            broken_at=found.sequence if found else None,
            finding=(found.what if found else verdict.trouble)[:500],
            check_asked_at=None,
        )
    return verdict


def check_is_due(account_id: int) -> bool:
    """Tell whether the chain was not checked within the last day."""
    with account_scope(account_id):
        checked = ChainHead.objects.values_list("checked_at", flat=True).first()
        return checked is None or checked < clock.now() - CHECK_EVERY


def _told(account_id: int) -> tuple[list[Head], str]:
    found: list[Head] = []
    try:
        found.extend(heads_told(account_id))
    except EverkeepError as error:
        return sorted(found), f"The heads in the vault could not be compared: {error}"
    return sorted(found), ""


def _epochs(account_id: int) -> list[AuditEpoch]:
    """The vouchings that this installation made; one that somebody wrote into the database is none."""
    return [epoch for epoch in AuditEpoch.objects.order_by("sequence") if _is_ours(epoch, account_id)]


def _is_ours(epoch: AuditEpoch, account_id: int) -> bool:
    entry = SecurityEvent.objects.filter(sequence=epoch.sequence).first()
    try:
        told = unseal(account_id=account_id, purpose=epoch.purpose, sealed=bytes(epoch.sealed))
    except EverkeepError as error:
        log.warning("account %s: the vouching at entry %s is not ours: %s", account_id, epoch.sequence, error)
        return False
    return entry is not None and told == entry.seal.encode()


def _strangers(head: ChainHead | None, newest: int) -> Finding | None:
    """Entries where none can be: below the first one. (Those beyond the head are found at the end.)"""
    below = SecurityEvent.objects.filter(sequence__lt=1).order_by("sequence").first()
    if below:
        return Finding(below.sequence, "It was slipped in: no chain has an entry with this number.")
    if head is None and newest:
        return Finding(newest, "The head of the chain is gone.")
    return None


class _Walk:
    """One reading, up to the next epoch. `last` and `seal` are those of the last entry that was right."""

    def __init__(self, told: list[Head], last: int, seal: str, until: AuditEpoch | None) -> None:
        self.last, self.seal = last, seal
        self._first, self._until = last, until.sequence if until else None
        self._told, self._agreed = [head for head in told if self._is_here(head.sequence)], last

    def _is_here(self, number: int) -> bool:
        return number > self._first and (self._until is None or number < self._until)

    def run(self, head: ChainHead | None) -> Finding | None:
        for event in _events(self._first, self._until):
            if finding := self._step(event, head):
                return finding
        return self._end(head)

    def _step(self, event: SecurityEvent, head: ChainHead | None) -> Finding | None:
        finding = self._by_itself(event) or self._by_others(event, head)
        if finding is None:
            self.last, self.seal = event.sequence, event.seal
        return finding

    def _by_itself(self, event: SecurityEvent) -> Finding | None:
        number = self.last + 1
        if event.sequence != number:
            return Finding(number, f"It is missing: after entry {self.last} comes entry {event.sequence}.")
        if event.version != VERSION:
            return Finding(number, f"It has the form {event.version}, which this release does not know.")
        if event.seal != seal_of(event):
            return Finding(number, "It was changed: its seal is not that of its fields.")
        return None

    def _by_others(self, event: SecurityEvent, head: ChainHead | None) -> Finding | None:
        number = event.sequence
        if event.previous != self.seal:
            # Whom the entry after it names is the one that was there; so the other one of the two is wrong.
            if number > 1 and _named_by_its_successor(event, head):
                what = f"It was exchanged: entry {number} follows from another one."
                return Finding(number - 1, what)
            return Finding(number, f"It was exchanged: it does not follow from entry {self.last}.")
        if finding := self._against_heads(event):
            return finding
        if head and number == head.sequence and event.seal != head.seal:
            return Finding(number, "It was exchanged: the head of the chain names another one.")
        return None

    def _against_heads(self, event: SecurityEvent) -> Finding | None:
        while self._told and self._told[0].sequence <= event.sequence:
            head = self._told.pop(0)
            if head.sequence == event.sequence and head.seal != event.seal:
                since = f"It or one since entry {self._agreed + 1} was changed, and the chain written anew"
                return Finding(event.sequence, f"{since}: {head.keeper} had another one on {head.day}.")
            self._agreed = head.sequence
        return None

    def _end(self, head: ChainHead | None) -> Finding | None:
        """The newest entries may be gone, or more than the head knows of may stand there."""
        if head and head.sequence > self.last:
            return Finding(self.last + 1, f"It is missing: the head of the chain is entry {head.sequence}.")
        if self._told:
            told = self._told[-1]
            what = f"It is missing: {told.keeper} had entry {told.sequence} on {told.day}."
            return Finding(self.last + 1, what)
        now = ChainHead.objects.filter(pk=head.pk).first() if head else None
        if now and now.sequence < self.last:
            what = f"It stands beyond the head of the chain, which is entry {now.sequence}."
            return Finding(now.sequence + 1, what)
        return None


def _named_by_its_successor(event: SecurityEvent, head: ChainHead | None) -> bool:
    after = SecurityEvent.objects.filter(sequence=event.sequence + 1).first()
    if after:
        return after.previous == event.seal
    return head is not None and head.seal == event.seal


def _events(after: int, until: int | None) -> Iterator[SecurityEvent]:
    rows = SecurityEvent.objects.order_by("sequence", "pk")
    rows = rows if until is None else rows.filter(sequence__lt=until)
    while batch := list(rows.filter(sequence__gt=after)[:BATCH]):
        yield from batch
        after = batch[-1].sequence
