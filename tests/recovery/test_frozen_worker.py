"""A worker that was frozen for longer than its lease wakes up while another makes the same export."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.backups.selectors.points import point_of
from apps.core import clock
from apps.jobs import runner
from apps.jobs.context import JobContext
from apps.jobs.errors import LeaseLost
from apps.jobs.models import Job, JobLog
from apps.jobs.services import job_claim
from apps.recovery.exports import run
from apps.recovery.exports.part import PartWriter
from apps.recovery.exports.start import export_start
from tests.recovery.conftest import Office
from tests.recovery.test_export import messages_in, served


@pytest.fixture
def job(office: Office, settings: Any) -> Job:
    settings.EXPORT_PART_BYTES = 3_000
    snapshot = office.back_up()
    office.choose(snapshot)
    return export_start(point=point_of(snapshot.run))


class Sleeper:
    """A call of the first worker that happens only when the second is about to finish a part."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call, self.awake = call, False
        self._result: Any = None
        self._error: Exception | None = None

    def wake(self) -> None:
        if not self.awake:
            self.awake = True
            try:
                self._result = self._call()
            except Exception as error:
                self._error = error

    def outcome(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result


def take_over(monkeypatch: pytest.MonkeyPatch, job: Job, sleeper: Sleeper) -> str:
    """Let another worker do the whole job; returns how it ended."""
    finish = PartWriter.finish

    def finish_beside_who_wakes(writer: PartWriter) -> int:
        sleeper.wake()
        return finish(writer)

    Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - timedelta(minutes=5))
    monkeypatch.setattr(PartWriter, "finish", finish_beside_who_wakes)
    return runner.run(job.pk)


def check(office: Office, job: Job, ending: str) -> None:
    job.refresh_from_db()
    said = list(JobLog.objects.filter(job=job).values_list("text", flat=True))
    assert ending == "succeeded" and runner.OUR_FAULT not in said, said
    assert job.items_done == job.items_total
    assert messages_in(job) == served(office)


@pytest.mark.parametrize(
    ("where", "name"), [(PartWriter, "finish"), (PartWriter, "add"), (run, "write_lists"), (run, "EntryLog")]
)
def test_who_wakes_up_in_a_part_disturbs_nothing_of_its_successor(
    office: Office, job: Job, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    original, endings = getattr(where, name), []

    def fall_asleep(*args: Any) -> Any:
        monkeypatch.setattr(where, name, original)
        sleeper = Sleeper(lambda: original(*args))
        endings.append(take_over(monkeypatch, job, sleeper))
        assert sleeper.awake
        return sleeper.outcome()

    monkeypatch.setattr(where, name, fall_asleep)
    assert runner.run(job.pk) == "lease_lost"
    check(office, job, endings[0])


def test_who_wakes_up_before_its_first_part_removes_nothing_of_its_successor(
    office: Office, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = job_claim(job.pk, "frozen")
    assert claimed is not None
    sleeper = Sleeper(lambda: run.run_export(JobContext(claimed, "frozen")))
    check(office, job, take_over(monkeypatch, job, sleeper))
    with pytest.raises(LeaseLost):
        sleeper.outcome()
