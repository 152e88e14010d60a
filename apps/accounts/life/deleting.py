"""The end of an account: keys destroyed, files and rows deleted, a tombstone left (features ACC-14).

1. The point of no return: one transaction moves the account from CLOSING to ENDING and writes the tombstone.
   The state in its WHERE, the same one that a reactivation asks for, lets only one of both happen.
2. The steps of `accounts.registry`, in their order: stop, destroy keys, files, large tables, stores.
3. People who belong to no other account, then all other rows, then the account's own row.

All of it may be killed anywhere: the hourly task begins again with step 2, where what is done finds nothing,
or with step 3 once all of 2 is through (its steps need rows that 3 deletes).
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.activity.audit import audit
from apps.core import clock
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..enums import AccountState
from ..models import Account, Membership, Tombstone, User
from ..registry import closing_steps
from . import rows
from .closing import GRACE, LAST_DAY, going_on, held_up
from .grace import count_on, seen
from .people import administrators
from .trying import tried

LEASE: Final = timedelta(hours=1)  # a worker that died gives its account free after that
log = logging.getLogger("everkeep.accounts")


def deletions_begin() -> int:
    """Count every grace on; begin the deletion of what had all of it. Returns how many begin."""
    return sum(
        tried(f"the grace of account {account.public_id}", partial(_count_and_begin, account), False)
        for account in list(going_on())
    )


def _count_and_begin(account: Account) -> bool:
    count_on(account)
    return deletion_begin(account.pk)


def deletion_begin(account_id: int) -> bool:
    """The point of no return. False when the grace is not over, nobody was reminded, or it was reactivated.

    What is held up by something on its way (`registry.register_veto`) gets its last mail, and the day after
    it, anew once nothing holds it any more.
    """
    now = clock.now()
    with transaction.atomic():
        due = going_on().filter(pk=account_id, closing_told=True, closes_at__lte=now, **seen(GRACE))
        account = due.first()
        if account is not None and held_up(account):
            due.update(closing_told=False, closes_at=now + LAST_DAY)
            return False
        if not due.update(state=AccountState.ENDING):
            return False
        account = Account.objects.get(pk=account_id)
        Tombstone.objects.create(
            account_public_id=account.public_id,
            account_row=account_id,
            opened_at=account.created_at,
            asked_at=account.closing_since or now,
            cause=account.closing_cause,
            begun_at=now,
        )
        mail_after_commit("account_deleting", administrators(account_id), account=account.name)
    return True


def deletions_go_on() -> int:
    """Go on with every deletion that is not through; returns how many still are not."""
    waiting = list(Tombstone.objects.filter(deleted_at=None).order_by("pk"))
    return sum(not _tried(stone) for stone in waiting)


def _tried(stone: Tombstone) -> bool:
    """One account's trouble must not hold up the others; it is logged, stands on the stone, is tried again."""
    try:
        return deletion_go_on(stone)
    except Exception as error:
        log.exception("deletion of account %s broke off", stone.account_public_id)
        _change(stone, waiting_for=type(error).__name__, busy_until=None)
        return False


def deletion_go_on(stone: Tombstone) -> bool:
    """Do what is left of one deletion. True when the account is gone."""
    if not _take(stone):
        return False
    stone.refresh_from_db()  # another worker may have written since it was listed
    account_id = stone.account_row
    if Account.objects.filter(pk=account_id, state=AccountState.ENDING).exists():
        with account_scope(account_id):
            if stone.steps_done_at is None and not _steps(stone):
                return False
            _people(account_id)
            _note(stone, "rows", {"deleted": rows.rows_delete(account_id)})
    with transaction.atomic():
        Account.objects.filter(pk=account_id, state=AccountState.ENDING)._raw_delete(using="default")
        Tombstone.objects.filter(pk=stone.pk).update(deleted_at=clock.now(), waiting_for="", busy_until=None)
    log.info("account %s is deleted", stone.account_public_id)
    return True


def _steps(stone: Tombstone) -> bool:
    remains: list[str] = []
    for step in closing_steps():
        result = step.run(stone.account_row)
        _note(stone, step.name, dict(result.proof))
        if result.waits:
            log.warning("deletion of account %s waits: %s", stone.account_public_id, step.name)
            _change(stone, waiting_for=f"{step.name}: {result.waits}", busy_until=None)
            return False
        if step.name == "keys" and stone.shredded_at is None and not result.proof.get("left"):
            _change(stone, shredded_at=clock.now())
        remains += result.remains
    with transaction.atomic():
        _change(stone, steps_done_at=clock.now())
        if remains:
            _tell_what_remains(stone, remains)
    return True


def _tell_what_remains(stone: Tombstone, remains: list[str]) -> None:
    """Say it to who can still do something: the account's rows, its people's too, go next."""
    account = Account.objects.get(pk=stone.account_row)
    log.warning("deletion of account %s leaves: %s", stone.account_public_id, "; ".join(remains))
    mail_after_commit("account_remains", administrators(account.pk), account=account.name, remains=remains)
    audit("account.remains", description=" ".join(remains))


def _take(stone: Tombstone) -> bool:
    """Keep two workers from one deletion. Harmless if it fails: every step may be done twice."""
    now = clock.now()
    free = Q(busy_until=None) | Q(busy_until__lt=now) | Q(busy_until__gt=now + LEASE)
    return bool(Tombstone.objects.filter(free, pk=stone.pk, deleted_at=None).update(busy_until=now + LEASE))


def _note(stone: Tombstone, name: str, proof: dict[str, object]) -> None:
    """Add a step's numbers to those of its earlier tries; keep the account for another LEASE."""
    known = stone.proof.get(name, {})
    for key, value in proof.items():
        adds = isinstance(value, int) and key in known and not key.startswith("left")
        known = {**known, key: known[key] + value if adds else value}
    _change(stone, proof={**stone.proof, name: known} if known else stone.proof, busy_until=clock.now() + LEASE)


def _change(stone: Tombstone, **fields: object) -> None:
    for name, value in fields.items():
        setattr(stone, name, value)
    stone.save(update_fields=list(fields))


def _people(account_id: int) -> None:
    """Delete who belongs nowhere else; the others lose their membership with the rest of the rows."""
    for user_id in list(Membership.objects.filter(account_id=account_id).values_list("user_id", flat=True)):
        with transaction.atomic():
            elsewhere = (
                Membership.objects.filter(user_id=user_id).exclude(account_id=account_id).exists()
                or User.objects.filter(pk=user_id)
                .filter(Q(is_platform_staff=True) | Q(partner_membership__isnull=False))
                .exists()
            )
            if not elsewhere:
                _delete_person(user_id)


def _delete_person(user_id: int) -> None:
    try:
        with transaction.atomic():
            User.objects.filter(pk=user_id).delete()
    except IntegrityError:
        # Added to another account at this very moment: they stay.
        log.info("person %s belongs to another account since a moment ago", user_id)
