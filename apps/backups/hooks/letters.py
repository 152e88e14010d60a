"""Requests to hooks: written as rows, sent by workers until they arrive, each with one id for all its tries."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from apps.accounts.models import Account
from apps.accounts.selectors import stopped_accounts
from apps.activity.models import ActivityStatus
from apps.core import clock
from apps.core.errors import EverkeepError
from apps.core.ids import new_public_id
from apps.core.public_web import Network, networks
from apps.core.sealing import unseal
from apps.core.webhooks import Letter, post

from ..enums import LetterState
from ..models import Hook, HookLetter, HookRound
from .said import say

TEST: Final = "test"
ALL_SECONDS: Final = 10.0  # for one try
CLAIM: Final = timedelta(seconds=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
LONGEST_PAUSE_ASKING: Final = timedelta(seconds=30)
GIVE_UP: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 50
OF_ONE_ACCOUNT: Final = 2
"""So many requests of one account are under way at once: who answers slowly delays nobody else's."""
_FIRST: Final = (F("decides_by").asc(nulls_last=True), F("next_try_at").asc(), F("pk").asc())
"""A round that waits for its answer comes before what is only told."""
_LATER: Final = frozenset({408, 425, 429})
"""With these and all from 500 on the other end says: not now. Any other answer but 2xx is a no."""


def private_networks() -> tuple[Network, ...]:
    return networks(settings.HOOK_PRIVATE_NETWORKS)


def write(
    hook: Hook, event: str, facts: dict[str, Any], of_round: HookRound | None = None, *, asks: bool = False
) -> HookLetter:
    """Write a request and hand it to a worker after the transaction around."""
    from ..tasks import send_hook  # noqa: PLC0415 - the task's module calls us

    now, public_id = clock.now(), new_public_id()
    task = hook.task
    body = {
        "id": str(public_id),
        "event": event,
        "at": now.isoformat(),
        "task": {"id": str(task.public_id), "name": task.name, "service": task.service},
        **facts,
    }
    letter = HookLetter.objects.create(
        public_id=public_id,
        account_id=hook.account_id,
        hook=hook,
        round=of_round,
        event=event,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        decides_by=now + timedelta(seconds=hook.wait_seconds) if asks else None,
        next_try_at=now,
        created_at=now,
    )
    send_hook.after_commit(account_id=hook.account_id, letter_id=letter.pk)
    return letter


def letters_due() -> list[tuple[int, int]]:
    """What is to be sent now, in the scope in force: (account, letter), a few of each account."""
    rows = HookLetter.objects.filter(_may_be_sent(clock.now())).exclude(account__in=stopped_accounts())
    place = Window(RowNumber(), partition_by="account_id", order_by=_FIRST)
    few = rows.annotate(place=place).filter(place__lte=OF_ONE_ACCOUNT).order_by("place", "next_try_at", "pk")
    return list(few.values_list("account_id", "pk")[:AT_ONCE])


def next_due() -> int | None:
    """What the account in force sends next, at once after another."""
    rows = HookLetter.objects.filter(_may_be_sent(clock.now())).order_by(*_FIRST)
    return rows.values_list("pk", flat=True).first()


def send(letter_id: int) -> HookLetter | None:
    """Try to deliver one; None when it is not its time, or it or too many others are in hands."""
    now = clock.now()
    if not _claim(letter_id, now):
        return None
    letter = HookLetter.objects.select_related("hook__task").get(pk=letter_id)
    seconds = ALL_SECONDS
    if letter.decides_by is not None:
        seconds = min(seconds, max(1.0, (letter.decides_by - now).total_seconds()))
    try:
        status = _post(letter, seconds)
    except EverkeepError as error:
        _try_again(letter, f"{error.what} {error.do}".strip())
    else:
        _answered(letter, status)
    letter.refresh_from_db()
    return letter


@transaction.atomic
def _claim(letter_id: int, now: datetime) -> bool:
    """Take it, one by one within an account, so that two who count come to no more than there may be."""
    mine = HookLetter.objects.filter(_may_be_sent(now), pk=letter_id)
    account_id = mine.values_list("account_id", flat=True).first()
    if account_id is None:
        return False
    Account.objects.select_for_update(no_key=True).get(pk=account_id)
    under_way = HookLetter.objects.filter(
        account=account_id, state=LetterState.WAITING, claimed_until__gte=now
    ).count()
    if under_way >= OF_ONE_ACCOUNT:
        return False
    return bool(mine.update(claimed_until=now + CLAIM, tries=F("tries") + 1))


def _post(letter: HookLetter, seconds: float) -> int:
    hook = letter.hook
    secret = unseal(account_id=hook.account_id, purpose=hook.secret_purpose, sealed=bytes(hook.sealed_secret))
    headers = {
        "Content-Type": "application/json",
        "X-Everkeep-Id": str(letter.public_id),
        "X-Everkeep-Event": letter.event,
    }
    return post(hook.url, secret, Letter(letter.body.encode(), headers, seconds), private=private_networks())


def _answered(letter: HookLetter, status: int) -> None:
    said = f"Answered {status}."
    if 200 <= status < 300:
        settle(letter, LetterState.DELIVERED, said)
    elif letter.decides_by is not None and status < 500 and status not in _LATER:
        settle(letter, LetterState.REFUSED, said)
    else:
        _try_again(letter, said)


def _try_again(letter: HookLetter, said: str) -> None:
    """Later, unless its time is over; of one whose answer is awaited the tick says when that is."""
    now, pause = clock.now(), FIRST_PAUSE * 2 ** min(letter.tries - 1, 10)
    if letter.event == TEST or (letter.decides_by is None and now - letter.created_at >= GIVE_UP):
        settle(letter, LetterState.FAILED, said)
        return
    pause = min(pause, LONGEST_PAUSE if letter.decides_by is None else LONGEST_PAUSE_ASKING)
    _mine(letter).update(said=said[:300], next_try_at=now + pause, claimed_until=None)


def settle(letter: HookLetter, state: LetterState, said: str) -> None:
    """Write down what became of it; a failure is a line of activity, unless a person only tries the hook."""
    done = _mine(letter).update(
        state=state, said=said[:300], settled_at=clock.now(), next_try_at=None, claimed_until=None
    )
    if done and state == LetterState.FAILED and letter.event != TEST:
        say(letter.hook, "hook.failed", status=ActivityStatus.FAILED, event=letter.event, reason=said)


def _mine(letter: HookLetter) -> Any:
    return HookLetter.objects.filter(pk=letter.pk, state=LetterState.WAITING)


def _may_be_sent(now: datetime) -> Q:
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    in_time = Q(decides_by=None) | Q(decides_by__gt=now)
    return free & in_time & Q(state=LetterState.WAITING, next_try_at__lte=now)


def forget_old(task_id: int) -> None:
    """Delete what was settled a month ago."""
    before = clock.now() - KEPT
    HookLetter.objects.filter(hook__task=task_id, settled_at__lt=before).delete()
    HookRound.objects.filter(task=task_id, ended_at__lt=before).delete()
