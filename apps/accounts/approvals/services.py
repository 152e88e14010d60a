"""Propose, approve, refuse, withdraw; what nobody approved in time ends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as, current_actor
from apps.core.errors import Conflict, NotFound, PermissionMissing
from apps.core.mails import mail_after_commit
from apps.core.permissions import require
from apps.core.scope import account_scope, current_account_id, every_account

from ..enums import ApprovalState
from ..life.people import administrators
from ..models import Account, Approval, Membership
from ..selectors import person_now
from .people import STANDING, administrators_of, second_persons, why_not
from .registry import Payload, act_of
from .sight import UNSEEN, UNSEEN_REASON, UNSEEN_WORDS, in_sight, readers_of, touched

DELAY: Final = timedelta(hours=24)
"""Before a proposal can be approved: every administrator had a day to read the mail and to refuse."""
LIFE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Proposed:
    """`done`: it was done at once. Else `approval` waits for a second administrator."""

    done: bool
    approval: Approval | None = None

    @property
    def said(self) -> str:
        """What to tell the person."""
        if self.approval is None:
            return "Done."
        opens = f"{self.approval.opens_at:%-d %B, %H:%M} UTC"
        return f"Proposed. Another administrator may approve it from {opens} on. All administrators were told."


@transaction.atomic
def propose(act: str, payload: Payload, label: str) -> Proposed:
    """Do it at once, or where the account wants two people, let all administrators know that it waits.

    Called by a page that asked for a fresh proof. Raises PermissionMissing, Conflict, and what the act raises.
    """
    known = act_of(act)
    require(known.permission)
    account = _held()
    if not account.two_person:
        known.do(payload)
        return Proposed(done=True)
    actor, now = current_actor(), clock.now()
    if actor.user_id is None:
        raise PermissionMissing("Only a person can propose this.")
    waiting = Approval.objects.filter(act=act, state=ApprovalState.PENDING, expires_at__gt=now)
    if payload in waiting.values_list("payload", flat=True):
        raise Conflict("This waits for a second administrator already.", do="See Settings, Approvals.")
    if not second_persons(account, actor.user_id):
        raise Conflict(
            "Nobody could approve this: it takes another administrator whose rights have stood unchanged for "
            f"{STANDING.days} days.",
            do="Propose it again once there is one.",
        )
    words = known.words(payload)
    services, limited = touched(known, payload, words)
    approval = Approval.objects.create(
        account=account,
        act=act,
        payload=payload,
        label=label[:300],
        words=words,
        services=services,
        limited=limited,
        proposer_id=actor.user_id,
        proposer_label=actor.label[:200],
        proposed_at=now,
        opens_at=now + DELAY,
        expires_at=now + LIFE,
    )
    _tell(approval, "approval_proposed")
    _write(approval, "approval.proposed", "Proposed: {}")
    return Proposed(done=False, approval=approval)


def approve(
    *, approval: Approval, membership: Membership, by_company: bool = False, read: str | None = None
) -> None:
    """Do what was proposed, in the name of who approves. Raises PermissionMissing, Conflict.

    `read` is what the page said would happen: if something else would happen by now, nothing does.
    """
    act = act_of(approval.act)
    with transaction.atomic():
        row = _approvable(approval, membership, by_company=by_company, read=read)
        _settle(row, ApprovalState.DONE)
        if not act.alone:
            act.do(row.payload)
            _approved(row)
    if act.alone:
        try:
            act.do(row.payload)
        except BaseException:
            _wait_again(row)
            raise
        _approved(row)


@transaction.atomic
def _approved(row: Approval) -> None:
    _tell(row, "approval_settled")
    _write(row, "approval.approved", "Approved: {}")


def _wait_again(row: Approval) -> None:
    """What could not be done waits as before."""
    mine = Approval.objects.filter(pk=row.pk, state=ApprovalState.DONE, settled_at=row.settled_at)
    mine.update(state=ApprovalState.PENDING, settled_at=None, settled_by="")


def _approvable(approval: Approval, membership: Membership, *, by_company: bool, read: str | None) -> Approval:
    """Hold the row and check everything anew."""
    row = _open(approval)
    act = act_of(row.act)
    require(act.permission)
    if not in_sight(row):
        raise PermissionMissing(UNSEEN_REASON)
    if reason := why_not(row, membership, by_company=by_company):
        raise PermissionMissing(reason, do="Another administrator can approve it.")
    if not row.may_be_approved_now:
        raise Conflict(
            f"This can be approved from {row.opens_at:%-d %B %Y, %H:%M} UTC on.",
            do="Until then everybody can read of it and refuse.",
        )
    proposer = person_now(row.proposer_id)
    if proposer is None or act.permission not in proposer.permissions:
        raise Conflict("Who proposed this may not do it any more.", do="Refuse it.")
    if read is not None and _plain(act.words(row.payload)) != _plain(read):
        raise Conflict("Something else would happen now than what you read.", do="Read it again, then decide.")
    return row


def _plain(words: str) -> str:
    """A form turns ends of lines into others."""
    return " ".join(words.split())


@transaction.atomic
def refuse(*, approval: Approval) -> None:
    """End a proposal of somebody else. The page lets administrators alone do so."""
    row = _open(approval)
    _settle(row, ApprovalState.REFUSED)
    _tell(row, "approval_settled")
    _write(row, "approval.refused", "Refused: {}")


@transaction.atomic
def withdraw(*, approval: Approval) -> None:
    """Take one's own proposal back."""
    row = _open(approval)
    if row.proposer_id != current_actor().user_id:
        raise PermissionMissing("Only who proposed it can take it back.", do="You can refuse it.")
    _settle(row, ApprovalState.WITHDRAWN)
    _tell(row, "approval_settled")
    _write(row, "approval.withdrawn", "Took back: {}")


def approvals_expire() -> int:
    """End what nobody approved in time; returns how many."""
    with every_account("what nobody approved in time ends, in all accounts"):
        stale = Approval.objects.filter(state=ApprovalState.PENDING, expires_at__lte=clock.now())
        found = list(stale.values_list("pk", "account_id"))
    return sum(_expire(pk, account_id) for pk, account_id in found)


@transaction.atomic
def _expire(pk: int, account_id: int) -> bool:
    with account_scope(account_id), acting_as(SYSTEM):
        rows = Approval.objects.select_for_update().filter(pk=pk, state=ApprovalState.PENDING)
        row = rows.first()
        if row is None:
            return False
        _settle(row, ApprovalState.EXPIRED)
        _tell(row, "approval_settled")
        _write(row, "approval.expired", "Nobody approved in time: {}")
    return True


@transaction.atomic
def two_person_on() -> None:
    """Have a second administrator approve from now on. Raises Conflict where there is none."""
    account = _held()
    if account.two_person:
        return
    if administrators_of(account) < 2:
        raise Conflict("This takes two administrators.", do="Make somebody else administrator first.")
    account.two_person = True
    account.save(update_fields=["two_person"])
    told(account, "two_person.on", "A second administrator approves what destroys backups from now on")


def two_person_off(payload: Payload) -> None:
    """Let one administrator do all by themselves again; an act that the rule itself holds."""
    account = _held()
    if account.two_person:
        account.two_person = False
        account.save(update_fields=["two_person"])
        told(account, "two_person.off", "One administrator alone may destroy backups again")


@transaction.atomic
def rule_lift() -> bool:
    """Switch the rule of the account in force off, for the operator. False when it was off."""
    was_on = _held().two_person
    two_person_off({})
    return was_on


def told(account: Account, code: str, sentence: str) -> None:
    """To all administrators by mail, and into the audit."""
    mail_after_commit(
        "two_person",
        administrators(account.pk),
        what=sentence,
        who=current_actor().label,
        account=account.name,
        link="/settings/approvals/",
        link_words="Approvals",
    )
    audit(code, description=f"{sentence}.", subject_id=account.public_id)


def _held() -> Account:
    return Account.objects.select_for_update(no_key=True).get(pk=current_account_id())


def _open(approval: Approval) -> Approval:
    """Hold the row: of two who settle it at once the second finds it settled."""
    row = Approval.objects.select_for_update().select_related("account").filter(pk=approval.pk).first()
    if row is None:
        raise NotFound("There is no such proposal.")
    if not row.is_open:
        raise Conflict("This is settled already, or its time is over.", do="Load the page again.")
    return row


def _settle(row: Approval, state: ApprovalState) -> None:
    row.state, row.settled_at, row.settled_by = state, clock.now(), current_actor().label[:200]
    row.save(update_fields=["state", "settled_at", "settled_by"])


def _tell(row: Approval, mail: str) -> None:
    """To every administrator, and to who proposed it; the names to who sees what it names."""
    told, untold = readers_of(row)
    for to, label, words in ((told, row.label, row.words), (untold, UNSEEN, UNSEEN_WORDS)):
        if to:
            mail_after_commit(
                mail,
                to,
                approval=row,
                label=label,
                words=words,
                account=row.account.name,
                link="/settings/approvals/",
                link_words="Look at it",
                service=_service(row),
            )


def _write(row: Approval, code: str, sentence: str) -> None:
    """Labels name nothing of limited access; the service narrows who reads the row."""
    audit(
        code,
        description=sentence.format(row.label),
        service=_service(row),
        subject_id=row.public_id,
        act=row.act,
        proposed_by=row.proposer_label,
    )


def _service(row: Approval) -> str:
    return row.services[0] if len(row.services) == 1 else ""
