"""Time that was really seen to pass. A clock that jumps forward must not end anybody's grace.

A regular task looks at each grace and adds what has passed since it looked before, but never more than STEP.
What destroys wants both: the date has come, and so much time was seen. A jump of ten years adds six hours; a
clock that was set back adds nothing; a machine that was switched off makes the grace longer, never shorter.
"""

from datetime import timedelta
from typing import Any

from . import clock

STEP = timedelta(hours=6)


def count_on(row: Any) -> timedelta:
    """Look at a row's grace now and return how much of it was seen. Two at once count once."""
    now = clock.now()
    passed = now - row.counted_at if row.counted_at else timedelta(0)
    seen = row.counted_seconds + int(min(max(passed, timedelta(0)), STEP).total_seconds())
    type(row).objects.filter(pk=row.pk, counted_at=row.counted_at).update(counted_at=now, counted_seconds=seen)
    row.refresh_from_db(fields=["counted_at", "counted_seconds"])
    return timedelta(seconds=row.counted_seconds)
