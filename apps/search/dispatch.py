"""Which accounts are indexed now: those that waited the longest, few at once, fewer while backups wait."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q

from apps.accounts.selectors import stopped_accounts
from apps.backups.enums import EntityState
from apps.backups.models import Entity
from apps.core import clock
from apps.core.scope import every_account

from .index.schema import VERSION
from .models import Indexed, Removal, SearchIndex

LATE: Final = timedelta(minutes=2)  # a backup that is due for so long waits for a worker
REST: Final = timedelta(minutes=2)  # while backups wait an account is served no more often
REWRITTEN_EVERY: Final = timedelta(minutes=10)
_ASKED_EVERY: Final = 5.0
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_asked: list[tuple[float, bool]] = []


def accounts_to_index() -> list[int]:
    """Return the accounts whose turn it is, the one that was served the longest ago first."""
    with every_account("indexing of all accounts is shared out fairly"):
        now = clock.now()
        at_work = SearchIndex.objects.filter(~Q(lease_owner=""), lease_until__gte=now)
        held = set(at_work.values_list("account_id", flat=True))
        wanted = set(_behind()) | set(Removal.objects.values_list("account_id", flat=True).distinct())
        wanted |= set(_outdated()) | set(_with_remains(now))
        wanted -= held | set(stopped_accounts().values_list("pk", flat=True))
        served = dict(SearchIndex.objects.filter(account__in=wanted).values_list("account_id", "served_at"))
        waits = backups_wait()
        if waits:
            wanted = {each for each in wanted if now - (served.get(each) or _NEVER) > REST}
        room = (1 if waits else settings.SEARCH_WORKERS) - len(held)
        return sorted(wanted, key=lambda each: (served.get(each) or _NEVER, each))[: max(room, 0)]


def backups_wait(*, often: bool = True) -> bool:
    """Tell whether backups are due and have no worker yet. With `often` off, the answer may be seconds old."""
    if not often and _asked and time.monotonic() - _asked[0][0] < _ASKED_EVERY:
        return _asked[0][1]
    with every_account("what waits for a worker waits for it whosever it is"):
        free = Q(lease_owner="") | Q(lease_until__lt=clock.now())
        late = Entity.objects.filter(free, state=EntityState.ACTIVE, next_run_at__lt=clock.now() - LATE)
        found = late.exclude(account__in=stopped_accounts()).exists()
    _asked[:] = [(time.monotonic(), found)]
    return found


def _outdated() -> list[int]:
    """Indexes of another layout, and those that were found damaged (`opening.py`)."""
    rows = SearchIndex.objects.exclude(layout=VERSION).exclude(manifest=[])
    return list(rows.values_list("account_id", flat=True))


def _with_remains(now: datetime) -> list[int]:
    """Indexes that hold erased words: a store that does not let go of an object is not asked all the time."""
    rested = Q(served_at=None) | Q(served_at__lt=now - REWRITTEN_EVERY)
    return list(
        SearchIndex.objects.filter(rested).exclude(erased=F("cleaned")).values_list("account_id", flat=True)
    )


def _behind() -> list[int]:
    rows = Indexed.objects.filter(committed__gt=F("up_to"), off=False).order_by()
    return list(rows.values_list("account_id", flat=True).distinct())
