"""The page about jobs says what the code does."""

from pathlib import Path

from django.conf import settings

from apps.jobs.context import FLUSH_ITEMS, FLUSH_SECONDS
from apps.jobs.dispatch import REDISPATCH_AFTER
from apps.jobs.services import HEARTBEAT_SECONDS, LEASE, MAX_ATTEMPTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runs-and-jobs.md"


def test_the_page_about_jobs_says_the_numbers_of_the_code() -> None:
    page = " ".join(PAGE.read_text().split())
    tick = settings.CELERY_BEAT_SCHEDULE["jobs"]["schedule"]
    assert f"The lease is {LEASE.seconds} s and is renewed every {HEARTBEAT_SECONDS} s" in page
    assert f"at least every {FLUSH_ITEMS} marks, every second" in page
    assert FLUSH_SECONDS == 1
    assert f"Every {tick:.0f} seconds `dispatch_jobs`" in page
    assert f"older than {REDISPATCH_AFTER.seconds // 60} minutes" in page
    assert f"claimed {MAX_ATTEMPTS} times without" in page
