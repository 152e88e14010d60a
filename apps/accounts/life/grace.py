"""Time that was really seen to pass. A clock that jumps forward must not end anybody's grace.

The hourly task looks at each grace and adds what has passed since it looked before, but never more than STEP.
Deletion wants both: the date has come, and so much time was seen. A jump of ten years adds six hours; a clock
that was set back adds nothing; a machine that was switched off makes the grace longer, never shorter.
"""

from datetime import timedelta

from apps.core import clock

from ..models import Account

STEP = timedelta(hours=6)


def count_on(account: Account) -> timedelta:
    """Look at an account's grace now and return how much of it was seen. Two at once count once."""
    now = clock.now()
    passed = now - account.counted_at if account.counted_at else timedelta(0)
    seen = account.counted_seconds + int(min(max(passed, timedelta(0)), STEP).total_seconds())
    Account.objects.filter(pk=account.pk, counted_at=account.counted_at).update(
        counted_at=now, counted_seconds=seen
    )
    account.refresh_from_db(fields=["counted_at", "counted_seconds"])
    return timedelta(seconds=account.counted_seconds)


def seen(length: timedelta) -> dict[str, int]:
    """The filter for accounts whose grace was seen for so long."""
    return {"counted_seconds__gte": int(length.total_seconds())}
