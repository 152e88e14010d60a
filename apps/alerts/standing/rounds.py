"""One look at an account: every check, what its alerts have become, and the letter of the day."""

import logging
from typing import Final

from apps.accounts.selectors import stopped_accounts
from apps.backups.models import BackupTask
from apps.core.scope import every_account

from ..enums import AlertState
from ..growth import latest, mailboxes
from ..models import Alert
from ..notices import tell_of_the_day
from ..registry import Check, checks
from ..services import alert_close, alert_raise
from ..wishes import wishes
from .forwards import look_at_rules

logger = logging.getLogger("everkeep.alerts")
MOST: Final = 2_000


def accounts_to_look_at() -> list[int]:
    """Return the accounts that have backups and whose work goes on."""
    with every_account("what stands wrong is looked for in all accounts"):
        rows = BackupTask.objects.exclude(account__in=stopped_accounts())
        return sorted(set(rows.values_list("account_id", flat=True)))


def look_at_account() -> int:
    """Make every check of the account in force; returns how many alerts of them stand.

    A check that cannot be made closes nothing, as what it found before may still be so; and it keeps neither
    the others nor the letter of the day from their turn.
    """
    standing = 0
    for check in checks():
        try:
            standing += _make(check)
        except Exception:
            logger.exception("check %s was not made", check.key)
    try:
        look_at_rules()
    except Exception:
        logger.exception("rules that forward mail were not looked at")
    tell_of_the_day()
    return standing


def _make(check: Check) -> int:
    quiet = set(wishes().quiet_kinds)
    found = [each for each in check.find() if each.kind not in quiet]
    if len(found) > MOST:
        logger.warning("check %s found %d: the first %d are told", check.key, len(found), MOST)
    for each in found[:MOST]:
        alert_raise(
            each.kind,
            each.key,
            severity=each.severity,
            facts=each.facts,
            entity=each.entity,
            task=each.task,
            service=each.service,
            sub_service=each.sub_service,
            growth=mailboxes if "mailboxes" in each.facts else latest,
        )
    keys = {each.key for each in found}  # also of those that are not told: what stands is not over
    there = Alert.objects.exclude(state=AlertState.CLOSED).filter(key__startswith=f"{check.key}:")
    for key in set(there.values_list("key", flat=True)) - keys:
        alert_close(key)
    return len(keys)
