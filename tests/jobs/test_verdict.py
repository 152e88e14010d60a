"""Every combination of outcomes has one verdict, and nothing left over is ever a success."""

import itertools

import pytest

from apps.jobs.enums import JobState
from apps.jobs.verdict import Tally, verdict


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        (Tally(), JobState.SUCCEEDED),
        (Tally(done=3), JobState.SUCCEEDED),
        (Tally(done=3, skipped=2), JobState.SUCCEEDED),
        (Tally(done=3, failed=1), JobState.PARTIAL),
        (Tally(skipped=3, failed=1), JobState.PARTIAL),
        (Tally(failed=4), JobState.FAILED),
        (Tally(done=3, pending=1), JobState.PARTIAL),
        (Tally(pending=4), JobState.FAILED),
    ],
)
def test_the_verdict_of_work_that_ran_to_its_end(tally: Tally, expected: JobState) -> None:
    assert verdict(tally) == expected


def test_a_cancel_counts_only_while_something_is_left() -> None:
    assert verdict(Tally(done=1, pending=1), cancelled=True) == JobState.CANCELLED
    assert verdict(Tally(done=2), cancelled=True) == JobState.SUCCEEDED
    assert verdict(Tally(done=1, failed=1), cancelled=True) == JobState.PARTIAL


def test_success_means_that_nothing_is_left_failed_or_stopped() -> None:
    for pending, done, skipped, failed in itertools.product((0, 2), repeat=4):
        for cancelled, stopped in itertools.product((False, True), repeat=2):
            state = verdict(Tally(pending, done, skipped, failed), cancelled=cancelled, stopped=stopped)
            clean = not pending and not failed and not stopped
            assert (state == JobState.SUCCEEDED) == clean
