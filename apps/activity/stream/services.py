"""Setting an account's stream up, and sending what is new.

The stream keeps the number of the last entry that the other end has: it goes on there after any trouble, so
each entry arrives at least once, and in order. Nobody is given up: the pauses between tries grow to an hour.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from apps.core import clock
from apps.core.errors import EverkeepError, PermissionMissing
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id, every_account
from apps.core.sealing import seal, unseal
from apps.core.sight import sees_everything

from ..audit import audit
from ..models import AuditStream, ChainHead, SecurityEvent, StreamKind
from .formats import line_of
from .wires import check_place, place_of, send

BATCH: Final = 100
BATCHES: Final = 50  # of one task, so that no account keeps a worker to itself
CLAIM: Final = timedelta(minutes=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StreamState:
    """How it stands: `behind` entries are still to be sent."""

    stream: AuditStream | None
    behind: int


def require_whole_audit() -> None:
    """Raise PermissionMissing for whom any row of the audit is hidden: what is sent out is all of it.

    That leaves guests out: none of them sees what has limited access (accounts/guests/entering.py).
    """
    require(Permission.ACCOUNT_SETTINGS)
    require(Permission.ACTIVITY)
    if not sees_everything():
        raise PermissionMissing(
            "The audit is sent whole: only who sees all of it may say where to.", do="Ask an administrator."
        )


def stream_state() -> StreamState:
    """How it stands with the stream of the account in force."""
    stream = AuditStream.objects.first()
    newest = ChainHead.objects.values_list("sequence", flat=True).first() or 0
    return StreamState(stream, max(0, newest - stream.sent) if stream else 0)


def stream_set(*, kind: str, format: str, address: str, from_start: bool, new_secret: bool) -> str:
    """Send the account's audit there from now on, or all of it. Returns a webhook's secret when it is new.

    Raises InvalidRequest or Unavailable when nothing may, or can, be sent there.
    """
    require_whole_audit()
    check_place(kind, address)
    with transaction.atomic():
        known = AuditStream.objects.select_for_update().first()
        stream = known or AuditStream(account_id=current_account_id())
        stream.kind, stream.format, stream.address = kind, format, address
        stream.next_try_at, stream.failures, stream.last_error = None, 0, ""
        stream.claimed_until = None  # who is sending at this moment stops after its batch
        secret = ""
        if kind == StreamKind.WEBHOOK and (new_secret or not stream.sealed_secret):
            secret = secrets.token_hex(32)
            stream.sealed_secret = _sealed(stream, secret)
        if from_start:
            stream.sent = 0
        elif known is None:
            stream.sent = ChainHead.objects.values_list("sequence", flat=True).first() or 0
        stream.save()
        said = f"{stream.get_kind_display()}, {stream.get_format_display()}, {_host_of(stream)}"
        audit("stream.set", description=said, subject_id=stream.public_id, new_secret=bool(secret))
    return secret


@transaction.atomic
def stream_stop() -> None:
    """Send nothing any more, and forget where it went."""
    require_whole_audit()
    stream = AuditStream.objects.select_for_update().first()
    if stream:
        stream.delete()
        audit("stream.stopped", description=_host_of(stream), subject_id=stream.public_id)


def streams_due() -> list[int]:
    """The accounts whose stream has something to send, and may try now."""
    with every_account("streams of all accounts are looked after"):
        newest = ChainHead.objects.filter(account_id=OuterRef("account_id")).values("sequence")[:1]
        rows = AuditStream.objects.filter(_may_try(clock.now())).annotate(newest=Subquery(newest))
        return list(rows.filter(newest__gt=F("sent")).values_list("account_id", flat=True))


def stream_send() -> int:
    """Send what is new of the account in force; returns how many entries. One at a time for each stream."""
    claim = _Claim.take()
    if claim is None:
        return 0
    sent = 0
    for _ in range(BATCHES):
        events = list(SecurityEvent.objects.filter(sequence__gt=claim.stream.sent).order_by("sequence")[:BATCH])
        if not events:
            break
        try:
            _send(claim.stream, events)
        except EverkeepError as error:
            claim.failed(error)
            return sent
        if not claim.sent(events[-1].sequence):
            return sent
        sent += len(events)
    claim.release()
    return sent


def _send(stream: AuditStream, events: list[SecurityEvent]) -> None:
    secret = b""
    if stream.kind == StreamKind.WEBHOOK:
        secret = unseal(
            account_id=stream.account_id, purpose=stream.secret_purpose, sealed=bytes(stream.sealed_secret)
        )
    lines = [line_of(event, stream.format) for event in events]
    send(stream.kind, stream.address, secret, events, lines)


class _Claim:
    """The right to send for a stream, until a moment that is also the token."""

    def __init__(self, stream: AuditStream, until: datetime) -> None:
        self.stream, self._until = stream, until

    @classmethod
    def take(cls) -> "_Claim | None":
        until = clock.now() + CLAIM
        if not AuditStream.objects.filter(_may_try(clock.now())).update(claimed_until=until):
            return None
        return cls(AuditStream.objects.get(), until)

    def sent(self, sequence: int) -> bool:
        """Note how far it is; False when the stream was changed meanwhile, or is in other hands."""
        until = clock.now() + CLAIM
        done = self._mine().update(
            sent=sequence,
            last_sent_at=clock.now(),
            failures=0,
            last_error="",
            next_try_at=None,
            claimed_until=until,
        )
        self.stream.sent, self._until = sequence, until
        return bool(done)

    def failed(self, error: EverkeepError) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(self.stream.failures, 20), LONGEST_PAUSE)
        self._mine().update(
            failures=F("failures") + 1,
            last_error=f"{error.what} {error.do}".strip()[:500],
            next_try_at=clock.now() + pause,
            claimed_until=None,
        )

    def release(self) -> None:
        self._mine().update(claimed_until=None)

    def _mine(self) -> "QuerySet[AuditStream]":
        """Only while nobody set it up anew: what was sent to the old place was not sent to the new one."""
        return AuditStream.objects.filter(
            pk=self.stream.pk, claimed_until=self._until, kind=self.stream.kind, address=self.stream.address
        )


def _may_try(now: datetime) -> Q:
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return free & (Q(next_try_at=None) | Q(next_try_at__lte=now))


def _host_of(stream: AuditStream) -> str:
    """What everybody who reads the audit may know of the address: the rest of it may be a secret."""
    return place_of(stream.kind, stream.address)[0]


def _sealed(stream: AuditStream, secret: str) -> bytes:
    return seal(account_id=stream.account_id, purpose=stream.secret_purpose, plaintext=secret.encode())
