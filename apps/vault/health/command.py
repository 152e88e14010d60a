"""`manage.py vault check` and `vault heal`: for operators, with exit codes that scripts can use."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from apps.accounts.models import Account
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope

from ..enums import ORDERED_TIERS, CheckState, CheckTier, CheckTrigger, DamageState
from ..models import Damage
from ..registry import catalogs
from .checks import check_open
from .damage import settle_all
from .healing import heal
from .work import run_check

Say = Callable[[str], Any]
SOUND, DAMAGED, UNFINISHED, LOST = 0, 1, 2, 3
_ORDER: Final = (SOUND, LOST, DAMAGED, UNFINISHED)  # the worst of all vaults is the exit code
_HOURS: Final = 365 * 24 * 3600.0


def add_arguments(actions: Any) -> None:
    """Describe `vault check` and `vault heal`."""
    codes = "exit code 0: sound, 1: damage, 2: not finished, 3: nothing new, but something is lost"
    check = actions.add_parser("check", help=f"check vaults now; {codes}")
    check.add_argument(
        "--tier", choices=[tier.value for tier in ORDERED_TIERS], default=CheckTier.STRUCTURE.value
    )
    check.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    heal = actions.add_parser("heal", help=f"act on damage that was found; {codes}")
    heal.add_argument("--anyway", action="store_true", help="also when very much is damaged at once")
    for parser in (check, heal):
        parser.add_argument("--account", help="public id of one account; all when left out")


def check(
    account_ids: Iterable[int],
    say: Say,
    *,
    tier: str,
    account: str | None,
    processes: int,
    **options: Any,
) -> None:
    """Check vaults one after the other; ends the process with the exit code unless all is sound."""
    _each(account_ids, account, say, lambda pk: _check(pk, CheckTier(tier), processes, say))


def heal_found(
    account_ids: Iterable[int], say: Say, *, account: str | None, anyway: bool, **options: Any
) -> None:
    """Act on what was found; ends the process with the exit code unless all is sound."""

    def one(account_id: int) -> int:
        say(f"  {heal(account_id, anyway=anyway)} records acted on.")
        settle_all(account_id)
        return _state_of(account_id, say)

    _each(account_ids, account, say, one)


def _each(account_ids: Iterable[int], only: str | None, say: Say, work: Callable[[int], int]) -> None:
    accounts = Account.objects.filter(pk__in=list(account_ids)).order_by("pk")
    worst = SOUND
    for account in accounts.filter(public_id=UUID(only)) if only else accounts:
        say(f"{account.name}:")
        try:
            with account_scope(account.pk), acting_as(SYSTEM):
                code = work(account.pk)
        except EverkeepError as error:
            say(f"  {error}")
            code = UNFINISHED
        worst = max(worst, code, key=_ORDER.index)
    if worst != SOUND:
        sys.exit(worst)


def _check(account_id: int, tier: CheckTier, processes: int, say: Say) -> int:
    check = check_open(account_id, tier, CheckTrigger.PERSON)
    run_check(check_id=check.pk, seconds=_HOURS, processes=processes)
    check.refresh_from_db()
    say(f"  {check.message}")
    if check.state in (CheckState.FAILED, CheckState.CANCELLED):
        return UNFINISHED
    code = _state_of(account_id, say)
    return DAMAGED if check.findings else code


def _state_of(account_id: int, say: Say) -> int:
    """Say what is damaged, waiting or lost, in words of items where items are hit."""
    rows = Damage.objects.exclude(state=DamageState.HEALED)
    for row in rows.filter(blob_id=b"").order_by("pk"):
        say(f"  {row.code}: {row.what} {row.how or REPAIRS.get(row.code, '')}".rstrip())
    for name, catalog in catalogs():
        for line in catalog.named(account_id):
            say(f"  {name}: {line}")
    if rows.exclude(state=DamageState.LOST).exists():
        return DAMAGED
    return LOST if rows.exists() else SOUND


REPAIRS: Final = {
    "pack_missing": "Repair: manage.py vault heal.",
    "pack_size": "Repair: manage.py vault heal, then garbage collection writes its blobs into a new pack.",
    "pack_index": "Repair: manage.py vault heal, then garbage collection writes its blobs into a new pack.",
    "rows_disagree": "Repair: manage.py vault heal.",
    "pack_retired": "Repair: manage.py vault heal.",
    "blob_corrupt": "Repair: manage.py vault heal.",
    "blob_unknown": "Repair: manage.py vault heal.",
    "content_corrupt": "Repair: rebuild the catalog from the journals.",
    "envelope": "Repair: manage.py vault rotate.",
    "journal": "That day stands in the database only: a rebuild would miss it.",
}
