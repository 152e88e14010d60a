"""The daily head of each chain, and who keeps it where our database cannot reach.

Who could write to the database could also compute all seals anew. What he cannot change is a head that has
left: in the vault (a keeper, registered by the app that has the place) and in people's mail.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope, every_account

from .models import ChainHead, DailyHead, HeadReader

HEAD_MAIL: Final = "audit_head"
logger = logging.getLogger("everkeep.audit")


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The number and seal of an account's newest entry on a day; `keeper` says who bears witness."""

    sequence: int
    seal: str
    day: date
    account: UUID
    keeper: str = ""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A place outside the database. `keep` returns False when the account has none there yet.

    Both are called in the account's scope, outside transactions, and may raise EverkeepError.
    """

    name: str
    keep: Callable[[int, Head], bool]
    heads: Callable[[int], Iterable[Head]]


_keepers: Final[list[Keeper]] = []
_addresses: Final[list[Callable[[int, set[int]], list[str]]]] = []


def register_keeper(keeper: Keeper) -> None:
    """Let daily heads be kept there. Called in `AppConfig.ready()`."""
    _keepers.append(keeper)


def register_addresses(addresses: Callable[[int, set[int]], list[str]]) -> None:
    """Tell the mail addresses of those of some people who may still read an account's audit."""
    _addresses.append(addresses)


def keepers() -> list[Keeper]:
    """All places where heads are kept."""
    return list(_keepers)


def accounts_with_chain() -> list[int]:
    """The accounts that have at least one entry."""
    with every_account("each account's chain is sealed and checked daily"):
        return list(ChainHead.objects.order_by("account_id").values_list("account_id", flat=True))


def head_keep(account_id: int) -> None:
    """Note today's head, give it to each keeper and mail it, once a day and only when something is new.

    May be called at any time: what a keeper did not take because its store was away is offered again.
    """
    with account_scope(account_id):
        note = _note(account_id)
        if note is None:
            return
        head = Head(note.sequence, note.seal, note.day, note.account.public_id)
        if note.kept_at is None and _keep(account_id, head):
            DailyHead.objects.filter(pk=note.pk).update(kept_at=clock.now())


def heads_told(account_id: int) -> Iterator[Head]:
    """Yield every head that the database and the keepers know. Raises EverkeepError when a keeper is away."""
    notes = DailyHead.objects.select_related("account").order_by("day")
    for note in notes:
        yield Head(note.sequence, note.seal, note.day, note.account.public_id, "the list of daily heads")
    for keeper in _keepers:
        yield from keeper.heads(account_id)


@transaction.atomic
def reader_set(*, user_id: int, account_id: int, wanted: bool) -> None:
    """Let a person have the daily head by mail, or no longer."""
    readers = HeadReader.objects.filter(user_id=user_id)
    if not wanted:
        readers.delete()
    elif not readers.exists():
        HeadReader.objects.create(account_id=account_id, user_id=user_id)


def _note(account_id: int) -> DailyHead | None:
    with transaction.atomic():
        head = ChainHead.objects.select_for_update().filter(sequence__gt=0).first()
        last = DailyHead.objects.select_related("account").order_by("-day").first()
        today = clock.now().date()
        if head is None or (last and (last.day >= today or last.sequence >= head.sequence)):
            return last if last and last.kept_at is None else None
        note = DailyHead.objects.create(
            account_id=account_id, day=today, sequence=head.sequence, seal=head.seal
        )
        readers = set(HeadReader.objects.values_list("user_id", flat=True))
        found = sorted({one for addresses in _addresses for one in addresses(account_id, readers)})
        if found:
            link = reverse("audit_list")
            context = {"sequence": note.sequence, "seal": note.seal, "day": today, "account": note.account.name}
            mail_after_commit(HEAD_MAIL, found, link=link, link_words="Open the security audit", **context)
            DailyHead.objects.filter(pk=note.pk).update(mailed_to=len(found))
        return note


def _keep(account_id: int, head: Head) -> bool:
    kept = False
    for keeper in _keepers:
        try:
            kept = keeper.keep(account_id, head) or kept
        except EverkeepError as error:
            logger.warning("the audit head of account %s is not in %s: %s", account_id, keeper.name, error)
    return kept
