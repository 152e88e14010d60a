"""A real worker with beat, a real broker, a real database: a killed worker's job is finished by the next."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection as database

from apps.core import clock
from apps.core.scope import account_scope
from apps.jobs.enums import ItemOutcome, JobState
from apps.jobs.models import Job
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.jobs.slow_kind import NOTES
from tests.servers import redis, valkey

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server,
    pytest.mark.database,
    pytest.mark.slow,
]
ROOT = Path(__file__).resolve().parents[2]
ITEMS = 300


def database_url() -> str:
    row = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{row['NAME']}"
    return f"postgres://{row['USER']}@{row['HOST']}:{row['PORT']}/{row['NAME']}"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a worker needs to share this test's rows, with a broker of its own."""
    with redis() if database.vendor == "postgresql" else valkey(tmp_path) as broker:
        yield {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "EVERKEEP_DATABASE_URL": database_url(),
            "EVERKEEP_BROKER_URL": broker,
            NOTES: str(tmp_path / "notes"),
        }


@contextmanager
def worker(environment: dict[str, str], folder: Path) -> Iterator[Path]:
    """A worker in a process group of its own, killed at the end; yields its log."""
    log = folder / "worker.log"
    command = [
        sys.executable, "-m", "celery", "--app", "config", "worker", "--beat", "--concurrency", "1",
        "--schedule", str(folder / "beat"), "--queues", "default,recovery", "--loglevel", "warning",
        "--include", "tests.jobs.slow_kind",
    ]  # fmt: skip
    with log.open("ab") as target:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=target, stderr=target, start_new_session=True
        )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def wait(for_it: Callable[[], bool], log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not for_it():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
        time.sleep(0.1)


def test_a_worker_killed_in_the_middle_is_followed_by_another_that_does_the_rest(
    cast: Cast, environment: dict[str, str], tmp_path: Path
) -> None:
    job = new_job(cast.owner, items=ITEMS)
    notes = Path(environment[NOTES])
    with account_scope(cast.account.pk):
        rows = Job.objects.filter(pk=job.pk)
        rows.update(dispatched_at=None)  # its message went to a broker that nobody hears
        with worker(environment, tmp_path) as log:
            wait(lambda: rows.get().items_done >= 60, log)
        job.refresh_from_db()
        assert job.state == JobState.RUNNING
        kept, noted = job.items_done, len(notes.read_text().split())
        assert 60 <= kept <= noted < ITEMS
        assert job.items.filter(outcome=ItemOutcome.DONE).count() == kept

        rows.update(lease_until=clock.now())  # the minute that the dead worker's lease lasts is not waited for
        with worker(environment, tmp_path) as log:
            wait(lambda: not rows.get().is_open, log)
        job.refresh_from_db()
        assert (job.state, job.items_done, job.message) == (JobState.SUCCEEDED, ITEMS, "All are noted.")
    times = Counter(notes.read_text().split())
    assert set(times) == {f"k{n}" for n in range(ITEMS)}, "no item was left out"
    assert sum(times.values()) == noted + ITEMS - kept, "what was durable was not done again"
